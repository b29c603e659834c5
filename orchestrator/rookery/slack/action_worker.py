"""The handler of the subscription `agent-actions`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rookery.agent.question import Question
from rookery.slack.actions import message_of
from rookery.slack.answers.answerer import Answerer
from rookery.slack.answers.conversation_memory import ConversationMemory
from rookery.slack.answers.question_builder import caller_of, is_internal
from rookery.slack.answers.question_tools import QuestionTools
from rookery.slack.answers.thread import read_messages
from rookery.slack.answers.turn import ClaimedQuestion
from rookery.slack.answers.wider_answers import shown_text
from rookery.slack.event_types import IncomingMessage
from rookery.slack.notifier import Notifier
from rookery.slack.people.reminders import Reminders
from rookery.slack.platform import Platform
from rookery.slack.rules.rulebook import RuleBook
from rookery.slack.text.markup import calm, to_mrkdwn
from rookery.traces.records import PendingAction, ToolCall

if TYPE_CHECKING:
    from rookery.agent import Agent
    from rookery.slack.people.directory import Room, SlackUser
    from rookery.traces.store import TraceStore
    from rookery_core.queue import Attempt, Event


class ActionWorker:
    """Handles accepted offers, confirmed calls, judgments, rules, reminders, and turns to be remembered."""

    def __init__(
        self,
        platform: Platform,
        answerer: Answerer,
        rules: RuleBook,
        reminders: Reminders,
        memory: ConversationMemory,
        confirmations: Confirmations,
    ) -> None:
        self._platform = platform
        self._answerer = answerer
        self._rules = rules
        self._reminders = reminders
        self._memory = memory
        self._confirmations = confirmations

    async def __call__(self, event: Event, attempt: Attempt) -> None:
        """Handle an action. Raises to the queue what it must know of a failure."""
        message = message_of(event.payload)
        kind = event.payload["kind"]
        if kind == "question":
            question = await self._current_text(message)
            await self._answerer.answer_question(ClaimedQuestion(question, event, attempt))
        elif kind == "judge":
            await self._rules.judge_message(message)
        elif kind == "rule":
            await self._rules.run_rule(int(event.payload["rule_id"]), message)
        elif kind == "remind":
            await self._reminders.send_reminder(message, str(event.key))
        elif kind == "remember":
            await self._memory.store_turns(message, str(event.payload["kept"]))
        elif kind == "confirm":
            await self._confirmations.run_confirmed(str(event.payload["action"]), message)

    async def _current_text(self, message: IncomingMessage) -> IncomingMessage:
        """The message with its current text and files: the button of an offer carries neither."""
        thread = await read_messages(self._platform.api, message.channel, message.thread_ts)
        for current in thread:
            if current["ts"] == message.ts:
                files: list[dict[str, Any]] = current.get("files") or []
                return replace(message, text=str(current.get("text") or ""), files=tuple(files))
        return message


class Confirmations:
    """Runs tool calls that their asker confirmed, each at most once, and reports the result in the thread."""

    def __init__(
        self, platform: Platform, agent: Agent, tools: QuestionTools, notifier: Notifier, team: str
    ) -> None:
        self._platform = platform
        self._agent = agent
        self._tools = tools
        self._notifier = notifier
        self._team = team

    async def run_confirmed(self, action_id: str, message: IncomingMessage) -> None:
        """Make a confirmed call. message: where and by whom the button was pressed."""
        recorder = self._agent.recorder
        if recorder is None:
            return await self._tell_presser(message, "Confirmed calls need ROOKERY_TRACES=on.")
        store = await recorder.store(30.0)
        # What may fail temporarily comes before the action is taken: it can be taken only once.
        asker = await self._platform.directory.find_user(message.user)
        room = await self._platform.directory.find_room(message.channel)
        action = await store.take_action(action_id, message.user, "confirmed")
        if action is None:
            return await self._report_not_taken(store, action_id, message)
        if shown := shown_text(action, message.channel):
            text, thread_ts = shown
            await self._notifier.post_unrepeated(
                f"confirm:{action_id}", message.channel, thread_ts, to_mrkdwn(text)
            )
            return await store.settle_action(action_id, done=True, result="")
        call = await self._run_call(action, message, asker, room)
        await store.settle_action(action_id, done=call.state == "ok", result=call.summary)
        return await self._report(message, action_id, _result_text(action, call))

    async def _report_not_taken(self, store: TraceStore, action_id: str, message: IncomingMessage) -> None:
        """The action was taken before: by an attempt that died during the call, or by an earlier press."""
        if action := await store.interrupted_action(action_id, message.user):
            text = (
                f"I was interrupted during this call and do not know whether it was made: "
                f"{calm(action.describe())}. Please check before you ask for it again."
            )
            return await self._report(message, action_id, text)
        return await self._tell_presser(
            message, "This was decided before, has expired, or is not yours to decide. Nothing was done now."
        )

    async def _run_call(
        self, action: PendingAction, message: IncomingMessage, asker: SlackUser, room: Room
    ) -> ToolCall:
        question = Question(
            text=action.describe(),
            caller=caller_of(message, asker, room, self._team),
            internal=is_internal(asker, room, message),
            trace_id=action.trace_id,
            tools=tuple(self._tools.for_question(message, asker)),
        )
        return await self._agent.run_confirmed(action, question)

    async def _report(self, message: IncomingMessage, action_id: str, text: str) -> None:
        await self._notifier.post_unrepeated(f"confirm:{action_id}", message.channel, message.thread_ts, text)

    async def _tell_presser(self, message: IncomingMessage, text: str) -> None:
        await self._notifier.show_to(message.user, message.channel, text, thread_ts=message.thread_ts)


def _result_text(action: PendingAction, call: ToolCall) -> str:
    outcome = "Done" if call.state == "ok" else f"That did not work ({call.state})"
    return f"{outcome}: {calm(action.describe())}. {calm(call.summary)}".strip()
