"""A word, once a day at most, about answers that nobody has said anything about. Off unless an hour is set."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from rookery.slack.answers.question_builder import is_among_colleagues
from rookery.slack.answers.thread import headline
from rookery.slack.event_types import IncomingMessage
from rookery.slack.notifier import post_once
from rookery.slack.text.markup import link

if TYPE_CHECKING:
    from rookery.slack.answers.work import Work
    from rookery.slack.people.feedback import UnratedAnswer
    from rookery.slack.services import Services

MAX_NAMED = 10


class Reminders:
    """Plans one reminder for a person and day with their first answer, and finds out when it is due what to say."""

    def __init__(self, services: Services, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._services = services
        self._clock = clock

    async def plan(self, work: Work) -> None:
        """Have the asker reminded at the hour of their own day, unless that is planned."""
        hour = self._services.settings.feedback_reminder_hour
        if hour is None or work.asker.is_bot or not is_among_colleagues(work.asker, work.room, work.question):
            return
        due = next_time(work.asker.local_time(self._clock()), hour)
        await self._services.actions.publish(
            "remind",
            f"{work.asker.id}:{due:%Y-%m-%d}",
            work.question,
            lane=work.asker.id,
            delay_s=max(0.0, (due - self._clock()).total_seconds()),
        )

    async def remind(self, question: IncomingMessage, owner: str) -> None:
        """Name the answers of the last day without a word from their asker, in a direct message; none, nothing.

        question: of the person to remind. owner: the reminder's name in the ledger, so that it is said once.
        """
        services = self._services
        unrated = await services.feedback.unrated(question.user)
        if not unrated or await services.control.is_ignored(question.user):
            return
        opened = await services.api("conversations.open", users=question.user)
        lines = [await self._line(one) for one in unrated[:MAX_NAMED]]
        more = f"\n… and {len(unrated) - MAX_NAMED} more" if len(unrated) > MAX_NAMED else ""
        text = (
            "Was this of any use? A 👍 or 👎 below an answer helps to make the next ones better.\n"
            + "\n".join(lines)
            + more
        )
        await post_once(services.api, services.queue.effects, owner, opened["channel"]["id"], {"text": text})

    async def _line(self, unrated: UnratedAnswer) -> str:
        """The question, leading to its answer."""
        url = self._services.identity.permalink(unrated.channel, unrated.reply_ts, unrated.thread_ts)
        asked = headline(unrated.text, self._services.identity.user, 100) or "your files"
        return f"• {link(url, asked)}"


def next_time(now: datetime, hour: int) -> datetime:
    """The next time that the clock on this wall shows the hour: today, or tomorrow when it is past."""
    due = now.replace(hour=hour, minute=0, second=0, microsecond=0)
    return due if due > now else due + timedelta(days=1)
