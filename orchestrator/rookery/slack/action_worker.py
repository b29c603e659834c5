"""The handler of the subscription `agent-actions`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rookery.agent.question import Question
from rookery.slack.actions import written_of
from rookery.slack.answers.answerer import Answerer
from rookery.slack.answers.question_builder import caller_of, is_internal
from rookery.slack.answers.thread import pages_of_thread
from rookery.slack.event_types import IncomingMessage
from rookery.slack.people.reminders import Reminders
from rookery.slack.rules.rulebook import RuleBook
from rookery.slack.text.markup import calm
from rookery.traces.records import PendingAction, ToolCall
from rookery_core.errors import RookeryError
from rookery_core.telemetry import get_logger

if TYPE_CHECKING:
    from rookery.slack.people.directory import Room, SlackUser
    from rookery.slack.services import Services
    from rookery.traces.store import TraceStore
    from rookery_core.queue import Attempt, Event

logger = get_logger(__name__)


class ActionWorker:
    """Does accepted offers, confirmed calls, judgments, rules and reminders, and remembers what was said."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._answering = Answerer(services)
        self._rules = RuleBook(services)
        self._reminders = Reminders(services)

    async def __call__(self, event: Event, attempt: Attempt) -> None:
        written = written_of(event.payload)
        kind = event.payload["kind"]
        if kind == "question":
            await self._answering.answer(await self._current(written), event, attempt)
        elif kind == "judge":
            await self._rules.judge(written)
        elif kind == "rule":
            await self._rules.perform(int(event.payload["rule_id"]), written)
        elif kind == "remind":
            await self._reminders.remind(written, str(event.key))
        elif kind == "remember":
            await self._services.memory.store(written, str(event.payload["kept"]))
        elif kind == "confirm":
            await self._confirmed(str(event.payload["action"]), written)

    async def _current(self, written: IncomingMessage) -> IncomingMessage:
        """The message as it reads now: what a button carries is not the text."""
        thread = await pages_of_thread(self._services.api, written.channel, written.thread_ts)
        for message in thread:
            if message["ts"] == written.ts:
                files: list[dict[str, Any]] = message.get("files") or []
                return replace(written, text=str(message.get("text") or ""), files=tuple(files))
        return written

    async def _confirmed(self, action_id: str, written: IncomingMessage) -> None:
        """Make the call that its asker confirmed, at most once, and say in the thread what came of it."""
        recorder = self._services.agent.recorder
        if recorder is None:
            return await self._whisper(written, "Confirmed calls need ROOKERY_TRACES=on.")
        store = await recorder.store(30.0)
        # Whatever may fail on the way fails before the call is taken: it can be taken only once.
        asker = await self._services.directory.person(written.user)
        room = await self._services.directory.room(written.channel)
        action = await store.take_action(action_id, written.user, "confirmed")
        if action is None:
            return await self._not_taken(store, action_id, written)
        call = await self._call(action, written, asker, room)
        await store.settle_action(action_id, done=call.state == "ok", result=call.summary)
        return await self._say(written, action_id, _told(action, call))

    async def _not_taken(self, store: TraceStore, action_id: str, written: IncomingMessage) -> None:
        """Somebody was here before: an attempt that died half way, or another press of the button."""
        if action := await store.interrupted_action(action_id, written.user):
            text = (
                f"I was interrupted while I did this, and do not know whether it was done: "
                f"{calm(action.describe())}. Please look before you ask for it again."
            )
            return await self._say(written, action_id, text)
        return await self._whisper(
            written, "That was settled before, has expired, or is not yours to decide; I did nothing now."
        )

    async def _call(
        self, action: PendingAction, written: IncomingMessage, asker: SlackUser, room: Room
    ) -> ToolCall:
        services = self._services
        question = Question(
            text=action.describe(),
            caller=caller_of(written, asker, room, services.settings.team),
            internal=is_internal(asker, room, written),
            trace_id=action.trace_id,
            tools=tuple(services.question_tools(written, asker)),
        )
        return await services.agent.run_confirmed(action, question)

    async def _say(self, written: IncomingMessage, action_id: str, text: str) -> None:
        """In the thread, at most once."""
        owner = f"confirm:{action_id}"
        effects = self._services.queue.effects
        effect = await effects.intend(owner, "told")
        if effect.state != "new":
            return
        answer = await self._services.api(
            "chat.postMessage",
            channel=written.channel,
            thread_ts=written.thread_ts,
            text=text,
            metadata={"event_type": "rookery_message", "event_payload": {"owner": owner}},
            unfurl_links=False,
            unfurl_media=False,
        )
        await effects.receipt(effect, {"ts": answer["ts"]})

    async def _whisper(self, written: IncomingMessage, text: str) -> None:
        """To who pressed the button only."""
        try:
            await self._services.api(
                "chat.postEphemeral",
                channel=written.channel,
                user=written.user,
                thread_ts=written.thread_ts,
                text=text,
            )
        except RookeryError as error:
            logger.info("%s", error)


def _told(action: PendingAction, call: ToolCall) -> str:
    if call.state == "ok":
        return f"Done: {calm(action.describe())}. {calm(call.summary)}".strip()
    return f"That did not work ({call.state}): {calm(action.describe())}. {calm(call.summary)}".strip()
