"""Questions of a thread that come before the one at hand and have no answer yet.

Slack deals events out to the sockets of an app, so two questions of one thread can reach the queue in the wrong order
when a process dies or dawdles with one of them. Whoever answers a question answers those before it first; their own
events then find them answered.
"""

from __future__ import annotations

from typing import Any

from rookery.slack.answers.questions import QuestionStore
from rookery.slack.answers.thread import Thread
from rookery.slack.event_types import IncomingMessage, read

Json = dict[str, Any]
WINDOW_S = 120.0
"""A mention older than this that never reached the queue is not answered any more: nobody waits for it."""


class Backlog:
    """Finds what was asked in a thread before a question and waits still."""

    def __init__(self, questions: QuestionStore, bot_user: str) -> None:
        self._questions = questions
        self._bot_user = bot_user

    async def before(self, question: IncomingMessage, thread: Thread) -> list[IncomingMessage]:
        """The earlier questions that wait, oldest first."""
        recent = [m for m in thread.messages if 0 < float(question.ts) - float(m["ts"]) < WINDOW_S]
        asked = [
            written for message in recent if (written := self._as_question(message, question)) is not None
        ]
        if not asked:
            return []
        states = await self._questions.states_of(question.channel, [written.ts for written in asked])
        return [written for written in asked if states.get(written.ts, "waiting") in ("waiting", "answering")]

    def _as_question(self, message: Json, question: IncomingMessage) -> IncomingMessage | None:
        """The message as an event would have brought it, when it addresses the bot."""
        kind = "im" if question.is_direct else "channel"
        event: Json = {**message, "type": "message", "channel": question.channel, "channel_type": kind}
        incoming = read({"event": event, "is_ext_shared_channel": question.shared}, self._bot_user)
        return incoming if isinstance(incoming, IncomingMessage) and incoming.via is not None else None
