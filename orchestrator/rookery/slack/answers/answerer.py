"""One question from claim to answer: looked up, limited, asked, written, and told when it fails."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from typing import TYPE_CHECKING, Any

from rookery.agent.question import Answer, Question
from rookery.slack.answers.failures import FailureReporter
from rookery.slack.answers.files import FileUploader, PendingFiles
from rookery.slack.answers.reconciler import ReplyState
from rookery.slack.answers.reply import Reply
from rookery.slack.answers.status import THINKING, StatusLine
from rookery.slack.answers.work import Work
from rookery.slack.answers.writer import ReplyWriter, StoppedByReader
from rookery.slack.errors import ThreadHidden
from rookery.slack.event_types import IncomingMessage
from rookery.slack.people.reminders import Reminders
from rookery.slack.text import blocks as block
from rookery_core.queue import EventCancelled, LeaseLost, PermanentFailure, RetryLater
from rookery_core.telemetry import new_trace_id, tracing

if TYPE_CHECKING:
    from rookery.slack.answers.questions import StoredQuestion
    from rookery.slack.people.directory import SlackUser
    from rookery.slack.services import Services
    from rookery_core.queue import Attempt, Event

_WATCH_S = 1.0


class QuestionChanged(Exception):
    """The author edited the question while it was being answered; `text` is how it reads now."""

    def __init__(self, text: str) -> None:
        self.text = text
        super().__init__("the question was edited")


class QuestionDeleted(Exception):
    """The author took the question back."""


class Answerer:
    """Answers questions, each exactly once."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._failing = FailureReporter(services)
        self._reminders = Reminders(services)

    async def answer(
        self, question: IncomingMessage, event: Event, attempt: Attempt, *, trace_id: str | None = None
    ) -> None:
        """Answer the question, or find that it is answered. Raises what the queue should know of a failure.

        trace_id: for a question whose own event this is not.
        """
        services = self._services
        trace = trace_id or event.trace_id or new_trace_id()
        if await services.control.is_ignored(question.user):
            known = await services.questions.begin(question, "member", trace)
            if not known.finished:
                await services.questions.finish(question, "ignored")
            return
        status = StatusLine(services.api, question.channel, question.thread_ts, question.ts)
        asker = await services.directory.person(question.user)
        known = await services.questions.begin(question, asker.kind, trace)
        if known.finished:
            if event.attempt > 1:  # whoever finished it may have died with the status still shown
                await status.clear()
            return
        status.show(THINKING)
        with tracing(known.trace_id):
            try:
                await self._answer(question, known, asker, status, event, attempt, first=trace_id is None)
            finally:
                await status.clear()

    async def answer_again(self, question: IncomingMessage, event: Event, attempt: Attempt) -> None:
        """The question was edited: when its answer answers the old text, answer the new one in its place."""
        services = self._services
        asker = await services.directory.person(question.user)
        known = await services.questions.begin(question, asker.kind, event.trace_id or new_trace_id())
        if known.state == "answering" and known.answered_text is None:
            await self.answer(question, event, attempt)
            return
        if known.deleted or known.answered_text in (None, question.text):
            return
        if known.finished and not await services.questions.reopen(question):
            return
        status = StatusLine(services.api, question.channel, question.thread_ts, question.ts)
        status.show(THINKING)
        with tracing(known.trace_id):
            try:
                await self._answer(question, known, asker, status, event, attempt, again=True)
            finally:
                await status.clear()

    async def _answer(
        self,
        question: IncomingMessage,
        known: StoredQuestion,
        asker: SlackUser,
        status: StatusLine,
        event: Event,
        attempt: Attempt,
        *,
        again: bool = False,
        first: bool = False,
    ) -> None:
        services = self._services
        if known.edited_text is not None and services.settings.on_edit == "answer":
            question = dataclasses.replace(question, text=known.edited_text)
        room = await services.directory.room(question.channel)
        thread = await services.threads.read(question)
        if first and (waiting := await services.backlog.before(question, thread)):
            for earlier in waiting:
                with contextlib.suppress(PermanentFailure):  # its asker was told; this one goes on
                    await self.answer(earlier, event, attempt, trace_id=new_trace_id())
            thread = await services.threads.read(question)
        reply = Reply(
            services.api,
            services.queue.effects,
            services.questions,
            question,
            await services.directory.identity(),
            after_ts=thread.newest_ts,
            hold=attempt.extend,
        )
        try:
            found = await reply.find()
        except ThreadHidden as hidden:
            await self._failing.unseen(question, known, hidden)
        if found.gone or (found.complete and not again):
            if found.complete:
                await self._courier(question).deliver()
                await services.memory.plan(question)
            await services.questions.finish(question, "answered", text=question.text)
            return
        work = Work(question, known, asker, room, reply, self._writer(reply, found), status)
        if known.deleted:
            await self._cancel(work)
            return
        if event.attempt > services.settings.max_attempts:
            await self._failing.give_up(work, "Answering this broke down several times.")
        if refusal := await services.limits.refusal(question):
            await self._refuse(work, refusal, answered=found.complete)
            return
        await self._until_settled(work, thread, event)

    async def _refuse(self, work: Work, refusal: str, *, answered: bool) -> None:
        """Say why not. The answer to what an edited question was before stays, and its asker is told beside it."""
        if answered:
            await self._failing.tell_beside(work.question, f"its answer stays as it is. {refusal}")
        else:
            await work.writer.notice(refusal, final=True)
        await self._services.questions.finish(work.question, "answered" if answered else "refused")

    async def _until_settled(self, work: Work, thread: Any, event: Event) -> None:
        """Ask, and ask again with the new text when the question is edited meanwhile."""
        while True:
            try:
                await self._ask_and_write(work, thread)
                return
            except QuestionChanged as changed:
                work.question = dataclasses.replace(work.question, text=changed.text)
                await work.writer.restart()
            except QuestionDeleted:
                await self._cancel(work)
                return
            except StoppedByReader:
                await self._services.questions.finish(work.question, "cancelled")
                return
            except (LeaseLost, EventCancelled, asyncio.CancelledError, PermanentFailure, RetryLater):
                raise
            except Exception as error:  # noqa: BLE001 - whatever went wrong, the asker is told
                await self._failing.failed(work, error, event)
                return

    async def _ask_and_write(self, work: Work, thread: Any) -> None:
        services = self._services
        outbox = PendingFiles()
        tools = services.question_tools(work.question, work.asker, outbox)
        question = await services.builder.build(
            work.question, work.asker, work.room, thread, work.known.trace_id, tools
        )
        answer = await self._watched(work, question)
        await outbox.keep(services.queue.effects, work.question)
        await services.memory.keep(work.question, question, work.asker.name, answer)
        await work.writer.finish(answer.markdown, self._tail(work, answer))
        await self._courier(work.question).deliver()
        await self._reminders.plan(work)
        await services.memory.plan(work.question)
        await services.questions.finish(work.question, "answered", text=work.question.text)

    async def _watched(self, work: Work, question: Question) -> Answer:
        """Run the agent while looking whether the question still stands as it was."""
        running = asyncio.create_task(self._run(work, question))
        try:
            while True:
                done, _ = await asyncio.wait({running}, timeout=_WATCH_S)
                if done:
                    return running.result()
                if not work.writer.begun:
                    work.status.renew()
                deleted, text = await self._services.questions.changed(work.question)
                if deleted:
                    raise QuestionDeleted
                follows = self._services.settings.on_edit == "answer"
                if follows and text is not None and text != work.question.text:
                    raise QuestionChanged(text)
        finally:
            if not running.done():
                running.cancel()
                with contextlib.suppress(asyncio.CancelledError, Exception):
                    await running

    async def _run(self, work: Work, question: Question) -> Answer:
        async def tool(name: str) -> None:
            work.status.tool(name)

        return await self._services.agent.answer(
            question, on_text=work.writer.say, on_tool=tool, on_restart=work.writer.restart
        )

    def _tail(self, work: Work, answer: Answer) -> list[dict[str, Any]]:
        """What stands below the answer."""
        remarks = list(answer.warnings)
        if answer.removed_links:
            remarks.append(f"{answer.removed_links} links were removed because no source contained them.")
        asked = [part for action in answer.pending[:3] for part in block.confirmation(action)]
        return [
            *block.sources(answer.citations),
            *block.remarks(remarks),
            *asked,
            block.feedback(work.question.key),
        ]

    async def _cancel(self, work: Work) -> None:
        await work.writer.take_back()
        await self._services.questions.finish(work.question, "cancelled")

    def _courier(self, question: IncomingMessage) -> FileUploader:
        return FileUploader(self._services.api, self._services.queue.effects, question)

    def _writer(self, reply: Reply, found: ReplyState) -> ReplyWriter:
        settings = self._services.settings
        return ReplyWriter(reply, found, streaming=settings.streaming, interval_s=settings.stream_interval_s)
