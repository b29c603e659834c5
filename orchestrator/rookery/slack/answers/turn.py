"""One attempt at one question: claimed with its status shown, until it is over."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rookery.slack.answers.questions import StoredQuestion
from rookery.slack.answers.status import THINKING, StatusLine
from rookery.slack.answers.thread import Thread, ThreadReader
from rookery.slack.event_types import IncomingMessage
from rookery.slack.people.directory import Room, SlackUser
from rookery.slack.platform import Platform
from rookery_core.telemetry import new_trace_id, tracing

if TYPE_CHECKING:
    from rookery.slack.stores import Stores
    from rookery_core.queue import Attempt, Event


@dataclass(frozen=True, slots=True)
class ClaimedQuestion:
    """A question with the claimed event that brought it. trace: of the question, where it is not the event's."""

    message: IncomingMessage
    event: Event
    attempt: Attempt
    trace: str = ""

    @property
    def trace_id(self) -> str:
        return self.trace or self.event.trace_id or new_trace_id()


@dataclass(slots=True)
class AnswerTurn:
    """The state of one attempt. thread: as it was last read. replaces: the question was edited after its answer."""

    question: IncomingMessage
    stored: StoredQuestion
    asker: SlackUser
    room: Room
    thread: Thread
    status: StatusLine
    claim: ClaimedQuestion
    replaces: bool = False

    @property
    def trace_id(self) -> str:
        return self.stored.trace_id


class Turns:
    """Decides whether a question is to be answered now. The status line is shown and cleared only here."""

    def __init__(
        self, platform: Platform, stores: Stores, threads: ThreadReader, *, follow_edits: bool
    ) -> None:
        self._platform = platform
        self._questions = stores.questions
        self._control = stores.control
        self._threads = threads
        self._follow_edits = follow_edits

    @asynccontextmanager
    async def open_turn(self, claim: ClaimedQuestion) -> AsyncGenerator[AnswerTurn | None]:
        """The turn that answers a question; None when its author is ignored or it is finished."""
        question, trace_id = claim.message, claim.trace_id
        if await self._control.is_ignored(question.user):
            await self._close_ignored(question, trace_id)
            yield None
            return
        asker = await self._platform.directory.find_user(question.user)
        stored = await self._questions.open_question(question, asker.kind, trace_id)
        if stored.finished:
            if (
                claim.event.attempt > 1
            ):  # the attempt that finished it may have died before it cleared the status
                await self._status_of(question).clear_status()
            yield None
            return
        async with self._show_turn(claim, stored, asker) as turn:
            yield turn

    @asynccontextmanager
    async def open_edit_turn(self, claim: ClaimedQuestion) -> AsyncGenerator[AnswerTurn | None]:
        """The turn that answers an edited question; None when its answer needs no change.

        A question without an answer yet gets a turn like any other.
        """
        question = claim.message
        asker = await self._platform.directory.find_user(question.user)
        stored = await self._questions.open_question(question, asker.kind, claim.trace_id)
        if stored.state == "answering" and stored.answered_text is None:
            async with self.open_turn(claim) as turn:
                yield turn
        elif not await self._needs_replacement(question, stored):
            yield None
        else:
            async with self._show_turn(claim, stored, asker, replaces=True) as turn:
                yield turn

    async def reread_thread(self, turn: AnswerTurn) -> None:
        """Read the thread again after earlier questions in it were answered."""
        turn.thread = await self._threads.read_thread(turn.question)

    @asynccontextmanager
    async def _show_turn(
        self, claim: ClaimedQuestion, stored: StoredQuestion, asker: SlackUser, *, replaces: bool = False
    ) -> AsyncGenerator[AnswerTurn]:
        question = claim.message
        if stored.edited_text is not None and self._follow_edits:
            question = dataclasses.replace(question, text=stored.edited_text)
        status = self._status_of(question)
        status.show_status(THINKING)
        with tracing(stored.trace_id):
            try:
                room = await self._platform.directory.find_room(question.channel)
                thread = await self._threads.read_thread(question)
                yield AnswerTurn(question, stored, asker, room, thread, status, claim, replaces)
            finally:
                await status.clear_status()

    async def _needs_replacement(self, question: IncomingMessage, stored: StoredQuestion) -> bool:
        """Whether the answer in the thread answers another text. Reopens the question when it was finished."""
        if stored.deleted or stored.answered_text in (None, question.text):
            return False
        return not stored.finished or await self._questions.reopen_question(question)

    async def _close_ignored(self, question: IncomingMessage, trace_id: str) -> None:
        stored = await self._questions.open_question(question, "member", trace_id)
        if not stored.finished:
            await self._questions.close_question(question, "ignored")

    def _status_of(self, question: IncomingMessage) -> StatusLine:
        return StatusLine(self._platform.api, question.channel, question.thread_ts, question.ts)
