"""Slack's assistant pane: what it suggests when it is opened, and what its thread is called by its first question."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rookery.slack.answers.thread import headline
from rookery.slack.event_types import AssistantOpened, IncomingMessage
from rookery_core.errors import RookeryError
from rookery_core.queue import Effect
from rookery_core.telemetry import get_logger

if TYPE_CHECKING:
    from rookery.slack.services import Services

PROMPTS = (
    ("Catch me up", "What was discussed in this workspace in the last two days? Group it by topic."),
    ("Find a decision", "Which decisions were made this week, and where?"),
    ("Who knows", "Who has answered questions about PostgreSQL lately?"),
)
_TITLE = "title"
logger = get_logger(__name__)


class AssistantPane:
    """Decorates assistant threads: no answer waits for it, or fails because of it."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def greet(self, opened: AssistantOpened) -> None:
        """Suggest what could be asked; note that the thread wants a title."""
        await self._services.queue.effects.intend(_owner(opened.channel, opened.thread_ts), _TITLE)
        prompts = [{"title": title, "message": message} for title, message in PROMPTS]
        await self._decorate(
            "assistant.threads.setSuggestedPrompts", opened.channel, opened.thread_ts, prompts=prompts
        )

    async def entitle(self, question: IncomingMessage) -> None:
        """Call the thread by this question, if it is an assistant thread that has no title yet."""
        if not (question.is_direct and question.is_reply):
            return
        effects = self._services.queue.effects
        owner = _owner(question.channel, question.thread_ts)
        if not any(row["receipt"] is None for row in await effects.of(owner)):
            return
        title = headline(question.text, self._services.identity.user, 60) or "Files"
        await self._decorate("assistant.threads.setTitle", question.channel, question.thread_ts, title=title)
        await effects.receipt(Effect(owner, _TITLE, "intended", None, None), {"title": title})

    async def _decorate(self, method: str, channel: str, thread_ts: str, **content: Any) -> None:
        try:
            await self._services.api(method, wait=False, channel_id=channel, thread_ts=thread_ts, **content)
        except RookeryError as error:
            logger.info("an assistant thread goes without: %s", error)


def _owner(channel: str, thread_ts: str) -> str:
    return f"slack:assistant:{channel}:{thread_ts}"
