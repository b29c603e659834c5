"""A daily direct message about answers without feedback. Off unless an hour is set."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from rookery.slack.actions import Actions
from rookery.slack.answers.question_builder import is_among_colleagues
from rookery.slack.answers.thread import headline
from rookery.slack.event_types import IncomingMessage
from rookery.slack.notifier import Notifier
from rookery.slack.stores import Stores
from rookery.slack.text.markup import link

if TYPE_CHECKING:
    from rookery.slack.answers.turn import AnswerTurn
    from rookery.slack.people.directory import Identity
    from rookery.slack.people.feedback import UnratedAnswer

MAX_LISTED = 10


class Reminders:
    """Schedules one reminder per person and day, and sends it. hour: of the person's day; None: never."""

    def __init__(
        self,
        identity: Identity,
        stores: Stores,
        actions: Actions,
        notifier: Notifier,
        hour: int | None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._identity = identity
        self._feedback = stores.feedback
        self._control = stores.control
        self._actions = actions
        self._notifier = notifier
        self._hour = hour
        self._clock = clock

    async def schedule_reminder(self, turn: AnswerTurn) -> None:
        """Schedule the asker's next reminder unless it is scheduled."""
        asker = turn.asker
        if self._hour is None or asker.is_bot or not is_among_colleagues(asker, turn.room, turn.question):
            return
        due = next_time(asker.local_time(self._clock()), self._hour)
        await self._actions.publish(
            "remind",
            f"{asker.id}:{due:%Y-%m-%d}",
            turn.question,
            lane=asker.id,
            delay_s=max(0.0, (due - self._clock()).total_seconds()),
        )

    async def send_reminder(self, question: IncomingMessage, owner: str) -> None:
        """List the asker's unrated answers of the last day in a direct message; without any, send nothing.

        owner: the reminder's name in the effect ledger, so that it is sent once.
        """
        unrated = await self._feedback.list_unrated(question.user)
        if not unrated or await self._control.is_ignored(question.user):
            return
        lines = [self._line(answer) for answer in unrated[:MAX_LISTED]]
        if len(unrated) > MAX_LISTED:
            lines.append(f"… and {len(unrated) - MAX_LISTED} more")
        intro = "Were these answers useful? A 👍 or 👎 below an answer helps to improve the next ones."
        await self._notifier.send_direct(owner, question.user, {"text": "\n".join([intro, *lines])})

    def _line(self, answer: UnratedAnswer) -> str:
        """The question as a link to its answer."""
        url = self._identity.permalink(answer.channel, answer.reply_ts, answer.thread_ts)
        title = headline(answer.text, self._identity.user, 100) or "your files"
        return f"• {link(url, title)}"


def next_time(now: datetime, hour: int) -> datetime:
    """The next time the clock shows `hour` in now's time zone: today, or tomorrow when it is past."""
    due = now.replace(hour=hour, minute=0, second=0, microsecond=0)
    return due if due > now else due + timedelta(days=1)
