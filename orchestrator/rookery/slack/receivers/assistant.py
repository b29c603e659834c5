"""Slack's assistant pane: suggested prompts when it is opened, and a title from its first question."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rookery.slack.answers.thread import headline
from rookery.slack.event_types import AssistantOpened, IncomingMessage
from rookery.slack.notifier import Notifier
from rookery_core.queue import Effect

if TYPE_CHECKING:
    from rookery_core.queue.effects import Effects

PROMPTS = (
    ("Catch me up", "What was discussed in this workspace in the last two days? Group it by topic."),
    ("Find a decision", "Which decisions were made this week, and where?"),
    ("Who knows", "Who has answered questions about PostgreSQL lately?"),
)
_TITLE = "title"


class AssistantPane:
    """Prompts and titles of assistant threads. No answer waits for them or fails because of them."""

    def __init__(self, notifier: Notifier, effects: Effects, bot_user: str) -> None:
        self._notifier = notifier
        self._effects = effects
        self._bot_user = bot_user

    async def suggest_prompts(self, opened: AssistantOpened) -> None:
        """Suggest prompts, and record that the thread needs a title."""
        await self._effects.intend(_owner(opened.channel, opened.thread_ts), _TITLE)
        await self._notifier.try_call(
            "assistant.threads.setSuggestedPrompts",
            channel_id=opened.channel,
            thread_ts=opened.thread_ts,
            prompts=[{"title": title, "message": message} for title, message in PROMPTS],
        )

    async def set_title(self, question: IncomingMessage) -> None:
        """Name the thread after this question when it is an assistant thread without a title."""
        if not (question.is_direct and question.is_reply):
            return
        owner = _owner(question.channel, question.thread_ts)
        if not any(row["receipt"] is None for row in await self._effects.of(owner)):
            return
        title = headline(question.text, self._bot_user, 60) or "Files"
        await self._notifier.try_call(
            "assistant.threads.setTitle",
            channel_id=question.channel,
            thread_ts=question.thread_ts,
            title=title,
        )
        await self._effects.receipt(Effect(owner, _TITLE, "intended", None, None), {"title": title})


def _owner(channel: str, thread_ts: str) -> str:
    return f"slack:assistant:{channel}:{thread_ts}"
