"""Answers questions in five steps: claim, backlog, reconcile, refuse, answer until the question is closed."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from typing import TYPE_CHECKING

from rookery.slack.answers.delivery import AnswerDelivery, QuestionChanged, QuestionDeleted
from rookery.slack.answers.failures import FailureReporter
from rookery.slack.answers.questions import QuestionLimits, QuestionStore
from rookery.slack.answers.reply import Reply
from rookery.slack.answers.thread import Backlog
from rookery.slack.answers.turn import AnswerTurn, ClaimedQuestion, Turns
from rookery.slack.answers.writer import ReplyWriter, StoppedByReader
from rookery.slack.errors import ThreadHidden
from rookery.slack.platform import Platform
from rookery.slack.settings import BotSettings
from rookery_core.queue import EventCancelled, LeaseLost, PermanentFailure, RetryLater
from rookery_core.telemetry import new_trace_id

if TYPE_CHECKING:
    from rookery_core.queue.effects import Effects


class Answerer:
    """Answers each question exactly once. Raises to the queue what it must know of a failure."""

    def __init__(
        self,
        settings: BotSettings,
        platform: Platform,
        effects: Effects,
        questions: QuestionStore,
        turns: Turns,
        backlog: Backlog,
        limits: QuestionLimits,
        delivery: AnswerDelivery,
        failures: FailureReporter,
    ) -> None:
        self._settings = settings
        self._platform = platform
        self._effects = effects
        self._questions = questions
        self._turns = turns
        self._backlog = backlog
        self._limits = limits
        self._delivery = delivery
        self._failures = failures

    async def answer_question(self, claim: ClaimedQuestion) -> None:
        """Answer the question, after the unanswered earlier ones of its thread."""
        async with self._turns.open_turn(claim) as turn:
            if turn is not None:
                await self._answer_backlog(turn)
                await self._answer_turn(turn)

    async def answer_edit(self, claim: ClaimedQuestion) -> None:
        """Answer the new text of an edited question, in place of an answer to its old text."""
        async with self._turns.open_edit_turn(claim) as turn:
            if turn is not None:
                if not turn.replaces:
                    await self._answer_backlog(turn)
                await self._answer_turn(turn)

    async def _answer_backlog(self, turn: AnswerTurn) -> None:
        """Answer the earlier questions of the thread first; one that fails does not stop this one."""
        earlier = await self._backlog.find_earlier(turn.question, turn.thread)
        for question in earlier:
            claim = dataclasses.replace(turn.claim, message=question, trace=new_trace_id())
            with contextlib.suppress(PermanentFailure):  # its asker has the reason
                async with self._turns.open_turn(claim) as earlier_turn:
                    if earlier_turn is not None:
                        await self._answer_turn(earlier_turn)
        if earlier:
            await self._turns.reread_thread(turn)

    async def _answer_turn(self, turn: AnswerTurn) -> None:
        writer = await self._reconcile_reply(turn)
        if writer is None or await self._refuse_question(turn, writer):
            return
        await self._answer_until_closed(turn, writer)

    async def _reconcile_reply(self, turn: AnswerTurn) -> ReplyWriter | None:
        """The writer of the answer, holding what earlier attempts posted; None when the answer stands as it is."""
        reply = Reply(
            self._platform.api,
            self._effects,
            self._questions,
            turn.question,
            self._platform.identity,
            after_ts=turn.thread.newest_ts,
            hold=turn.claim.attempt.extend,
        )
        try:
            state = await reply.reconcile()
        except ThreadHidden as hidden:
            await self._failures.report_hidden_thread(turn, hidden)
        if state.deleted or (state.complete and not turn.replaces):
            if state.complete:
                await self._delivery.complete_delivery(turn)
            await self._questions.close_question(turn.question, "answered", text=turn.question.text)
            return None
        return ReplyWriter(
            reply,
            state,
            streaming=self._settings.streaming,
            interval_s=self._settings.stream_interval_s,
        )

    async def _refuse_question(self, turn: AnswerTurn, writer: ReplyWriter) -> bool:
        """Refuse what was deleted, failed too often or is over a limit. Raises PermanentFailure for the second."""
        if turn.stored.deleted:
            await self._delivery.cancel_answer(turn, writer)
            return True
        if turn.claim.event.attempt > self._settings.max_attempts:
            await self._failures.give_up(turn, writer, "Answering this broke down several times.")
        refusal = await self._limits.refusal_of(turn.question)
        if refusal is None:
            return False
        if writer.replaces_answer:
            await self._failures.tell_asker(turn, f"its answer stays as it is. {refusal}")
        else:
            await writer.show_notice(refusal, final=True)
        state = "answered" if writer.replaces_answer else "refused"
        await self._questions.close_question(turn.question, state)
        return True

    async def _answer_until_closed(self, turn: AnswerTurn, writer: ReplyWriter) -> None:
        """Ask the agent; ask again with the new text when the question is edited meanwhile."""
        while True:
            try:
                return await self._delivery.deliver_answer(turn, writer)
            except QuestionChanged as changed:
                turn.question = dataclasses.replace(turn.question, text=changed.text)
                await writer.discard_text()
            except QuestionDeleted:
                return await self._delivery.cancel_answer(turn, writer)
            except StoppedByReader:
                return await self._questions.close_question(turn.question, "cancelled")
            except (LeaseLost, EventCancelled, asyncio.CancelledError, PermanentFailure, RetryLater):
                raise
            except Exception as error:  # noqa: BLE001 - the asker is told about any failure
                return await self._failures.report_failure(turn, writer, error)
