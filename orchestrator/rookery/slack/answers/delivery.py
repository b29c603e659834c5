"""Runs the agent for one question and delivers its answer: text, sources, files, and what is remembered of it."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from rookery.agent.question import Answer, Question
from rookery.slack.answers.conversation_memory import ConversationMemory
from rookery.slack.answers.files import FileUploader, PendingFiles
from rookery.slack.answers.question_builder import QuestionBuilder
from rookery.slack.answers.question_tools import QuestionTools
from rookery.slack.answers.questions import QuestionStore
from rookery.slack.answers.turn import AnswerTurn
from rookery.slack.answers.writer import ReplyWriter
from rookery.slack.people.reminders import Reminders
from rookery.slack.receivers.assistant import AssistantPane
from rookery.slack.text import blocks as block

if TYPE_CHECKING:
    from rookery.agent import Agent

_POLL_S = 1.0
"""How often the question is checked for an edit or a deletion while the agent works."""
_MAX_CONFIRMATIONS = 3


class QuestionChanged(Exception):
    """The author edited the question while it was being answered; `text` is its new text."""

    def __init__(self, text: str) -> None:
        self.text = text
        super().__init__("the question was edited")


class QuestionDeleted(Exception):
    """The author deleted the question while it was being answered."""


class AnswerDelivery:
    """Asks the agent, streams what it writes, and completes the answer."""

    def __init__(
        self,
        agent: Agent,
        questions: QuestionStore,
        builder: QuestionBuilder,
        tools: QuestionTools,
        files: FileUploader,
        memory: ConversationMemory,
        reminders: Reminders,
        assistant: AssistantPane,
        *,
        follow_edits: bool,
    ) -> None:
        self._agent = agent
        self._questions = questions
        self._builder = builder
        self._tools = tools
        self._files = files
        self._memory = memory
        self._reminders = reminders
        self._assistant = assistant
        self._follow_edits = follow_edits

    async def deliver_answer(self, turn: AnswerTurn, writer: ReplyWriter) -> None:
        """Answer the question and close it. Raises QuestionChanged, QuestionDeleted, StoppedByReader."""
        pending = PendingFiles()
        tools = self._tools.for_question(turn.question, turn.asker, pending)
        question = await self._builder.build_question(turn, tools)
        answer = await self._run_agent(turn, writer, question)
        await self._files.save_files(turn.question, pending)
        await self._memory.save_turns(turn, question, answer)
        await writer.finish_answer(answer.markdown, _blocks_below(turn, answer))
        await self.complete_delivery(turn)
        await self._questions.close_question(turn.question, "answered", text=turn.question.text)

    async def complete_delivery(self, turn: AnswerTurn) -> None:
        """What follows the answer's last word: its files, a reminder, its memory, the thread's title. Repeating it changes nothing."""
        await self._files.upload_files(turn.question)
        await self._reminders.schedule_reminder(turn)
        await self._memory.schedule_storage(turn.question)
        await self._assistant.set_title(turn.question)

    async def cancel_answer(self, turn: AnswerTurn, writer: ReplyWriter) -> None:
        """Remove what there is of the answer: the question was deleted."""
        await writer.delete_answer()
        await self._questions.close_question(turn.question, "cancelled")

    async def _run_agent(self, turn: AnswerTurn, writer: ReplyWriter, question: Question) -> Answer:
        """Run the agent while watching the question for an edit or a deletion."""

        async def show_tool(name: str) -> None:
            turn.status.show_tool(name)

        run = asyncio.create_task(
            self._agent.answer(
                question, on_text=writer.add_text, on_tool=show_tool, on_restart=writer.discard_text
            )
        )
        try:
            while not (await asyncio.wait({run}, timeout=_POLL_S))[0]:
                if not writer.begun:
                    turn.status.renew_status()
                await self._check_unchanged(turn)
            return run.result()
        finally:
            if not run.done():
                run.cancel()
                with contextlib.suppress(asyncio.CancelledError, Exception):
                    await run

    async def _check_unchanged(self, turn: AnswerTurn) -> None:
        deleted, text = await self._questions.read_change(turn.question)
        if deleted:
            raise QuestionDeleted
        if self._follow_edits and text is not None and text != turn.question.text:
            raise QuestionChanged(text)


def _blocks_below(turn: AnswerTurn, answer: Answer) -> list[dict[str, Any]]:
    """Sources, remarks, confirmations and feedback buttons below the answer."""
    remarks = list(answer.warnings)
    if answer.removed_links:
        remarks.append(f"{answer.removed_links} links were removed because no source contained them.")
    confirmations = [
        part for action in answer.pending[:_MAX_CONFIRMATIONS] for part in block.confirmation(action)
    ]
    return [
        *block.sources(answer.citations),
        *block.remarks(remarks),
        *confirmations,
        block.feedback(turn.question.key),
    ]
