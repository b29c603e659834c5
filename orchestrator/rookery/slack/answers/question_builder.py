"""Builds the agent's question from a Slack message: who asks, where, the thread, memories and files."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from rookery.agent.local_tools import LocalTool
from rookery.agent.question import ContextSection, Question
from rookery.slack.answers.attachments import AttachmentReader
from rookery.slack.answers.conversation_memory import ConversationMemory
from rookery.slack.answers.thread import Thread, ThreadReader, content_of, resolve_names
from rookery.slack.answers.turn import AnswerTurn
from rookery.slack.event_types import IncomingMessage, question_of
from rookery.slack.people.directory import Room, SlackUser
from rookery.slack.platform import Platform
from rookery_core.identity import Caller
from rookery_core.text import clip
from rookery_slackapi.message_text import Names, attachments_text
from rookery_slackapi.message_text.mrkdwn import to_markdown

MAX_ATTACHED_TOKENS = 4_000
"""Of forwarded messages and previews that are given to the model."""


class QuestionBuilder:
    """Gathers the context of a question."""

    def __init__(
        self,
        platform: Platform,
        threads: ThreadReader,
        files: AttachmentReader,
        memory: ConversationMemory,
        team: str,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._platform = platform
        self._threads = threads
        self._files = files
        self._memory = memory
        self._team = team
        self._clock = clock

    async def build_question(self, turn: AnswerTurn, tools: Sequence[LocalTool]) -> Question:
        """The question of a turn with its context. tools: the bot's own, offered with the servers' tools."""
        message, asker, room, thread = turn.question, turn.asker, turn.room, turn.thread
        names = await resolve_names(self._platform.directory, [content_of(message)])
        text = to_markdown(question_of(message.text, self._platform.identity.user), names)
        caller, internal = caller_of(message, asker, room, self._team), is_internal(asker, room, message)
        files, conversation, recalled = await asyncio.gather(
            self._files.read_files(message.files),
            self._threads.render_sections(thread),
            self._memory.recall_context(turn, text, caller, internal=internal),
        )
        now = asker.local_time(self._clock())
        problems = [*files.problems, *([thread.problem] if thread.problem else [])]
        sections = [
            _circumstances(asker, room, now, problems),
            *_attached(message, names),
            *recalled.sections,
            *conversation,
            *files.sections,
        ]
        return Question(
            text=text or _default_question(message, thread),
            caller=caller,
            sections=tuple(sections),
            attachments=files.attachments,
            trace_id=turn.trace_id,
            internal=internal,
            tools=tuple(tools),
            gathered=recalled.calls,
            values={
                "local_time": f"{now:%A, %d %B %Y, %H:%M}",
                "time_zone": asker.zone,
                "user": {"id": asker.id, "name": _safe(asker.name), "kind": asker.kind, "zone": asker.zone},
                "channel": {
                    "id": room.id,
                    "name": room.name,
                    "shared": room.shared,
                    "direct": room.is_direct,
                },
            },
        )


def caller_of(written: IncomingMessage, asker: SlackUser, room: Room, team: str) -> Caller:
    """The identity under which the servers answer this question: who asks, where, and who reads the answer."""
    kind = "shared" if written.shared else room.kind
    return Caller(team=team, user=asker.id, kind=asker.kind, channel=written.channel, room=kind)


def is_among_colleagues(asker: SlackUser, room: Room, written: IncomingMessage) -> bool:
    """Whether a member asks where nobody of another organisation reads; guests may."""
    return asker.kind == "member" and not room.shared and not written.shared


def is_internal(asker: SlackUser, room: Room, written: IncomingMessage) -> bool:
    """Whether internal servers and tools may be used: a member asks where only the organisation reads."""
    return asker.kind == "member" and room.kind in ("direct", "private", "public") and not written.shared


def _default_question(written: IncomingMessage, thread: Thread) -> str:
    """The question of a message that only mentions the bot."""
    if written.attachments:
        return "What do you say to the forwarded message?"
    if written.files:
        return "What do you see in the attached files?"
    return "What do you say to this thread?" if thread.messages else "What can I ask you?"


def _attached(message: IncomingMessage, names: Names) -> list[ContextSection]:
    """The messages that the question forwards, and what else is attached to it."""
    text = attachments_text(content_of(message), names)
    if not text:
        return []
    kept, omitted = clip(text, MAX_ATTACHED_TOKENS)
    note = f"\n({omitted} tokens are left out)" if omitted else ""
    return [ContextSection(title="Attached to the question", text=kept + note, kind="message", priority=6)]


_READERS = {
    "shared": ", which people of another organisation also read",
    "guests": ", which guests of the workspace also read",
}


def _circumstances(asker: SlackUser, room: Room, now: datetime, problems: Sequence[str]) -> ContextSection:
    where = "in a direct message" if room.is_direct else f"in the channel #{_safe(room.name)} (<#{room.id}>)"
    readers = _READERS.get(room.kind, "")
    lines = [
        f"{_safe(asker.name)} (<@{asker.id}>, {asker.kind}) asks {where}{readers}.",
        f"Their local time is {now:%A, %d %B %Y, %H:%M} ({asker.zone}).",
        *(_safe(problem, 300) for problem in problems),
    ]
    return ContextSection(title="Who asks, and where", text="\n".join(lines), trusted=True, priority=9)


def _safe(text: str, max_characters: int = 60) -> str:
    """A name in one line without characters that could look like markup or a fence."""
    return re.sub(r"[^\w .,:()'@/-]+", " ", " ".join(text.split()))[:max_characters].strip()
