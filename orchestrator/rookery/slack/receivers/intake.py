"""What Slack tells is in the queue before Slack hears that it arrived."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rookery.slack.answers.questions import QuestionStore
from rookery.slack.event_types import Deleted, Edited, IncomingMessage, lane, read
from rookery.slack.settings import BotSettings
from rookery_core.batching import Batcher
from rookery_core.queue import Message
from rookery_core.telemetry import new_trace_id

if TYPE_CHECKING:
    from rookery.slack.people.directory import Identity
    from rookery_core.database import Database
    from rookery_core.queue import Queue

Json = dict[str, Any]
TOPIC = "slack"
SUBSCRIPTION = "agent"
MAX_BATCH = 200


class Addressing:
    """Decides which messages are questions for the bot, beyond mentions and direct messages."""

    def __init__(self, questions: QuestionStore, settings: BotSettings) -> None:
        self._questions = questions
        self._settings = settings

    async def resolve(self, written: IncomingMessage) -> IncomingMessage:
        """The message with `via` set when it goes on in a thread that the bot takes part in, and is said to nobody else."""
        if written.via is not None or not written.is_reply or not self._follows(written.channel):
            return written
        if written.text.lstrip().startswith(("<@", "<!")):
            return written
        if not await self._questions.takes_part(written.channel, written.thread_ts):
            return written
        return dataclasses.replace(written, via="follow_up")

    def _follows(self, channel: str) -> bool:
        return self._settings.follow_ups or channel in self._settings.follow_up_channels


class Intake:
    """Publishes events to the topic `slack`, once for each event id, and notes what happens to questions.

    What arrives while a commit is under way shares the next one, so that a burst costs few commits. Order is kept.
    """

    def __init__(
        self,
        database: Database,
        queue: Queue,
        questions: QuestionStore,
        addressing: Addressing,
        own: Identity,
    ) -> None:
        self._database = database
        self._queue = queue
        self._questions = questions
        self._addressing = addressing
        self._own = own
        # One event that cannot be stored must not keep the others out.
        self._batcher = Batcher(
            self._store, max_batch=MAX_BATCH, split_on=(Exception,), name="store Slack events"
        )
        self._others_known_until = 0.0
        self._others = True

    async def event(self, payload: Json) -> bool:
        """Store an event; when this returns it is durable. False when it was there before, or nobody wants it."""
        if read(payload, self._own.user) is None and not await self._somebody_else_listens():
            return False
        return await self._batcher.add(payload)

    async def _store(self, payloads: Sequence[Json]) -> list[bool]:
        """All or none, in one commit: the questions are noted and their events are in the queue."""
        questions = [await self._note_change(read(payload, self._own.user)) for payload in payloads]
        messages = [
            _message(payload, question) for payload, question in zip(payloads, questions, strict=True)
        ]
        async with self._database.acquire() as connection, connection.transaction():
            await self._questions.note([one for one in questions if one is not None], connection)
            stored = await self._queue.enqueue_many(TOPIC, messages, connection=connection)
        return [not one.duplicate for one in stored]

    async def _note_change(self, incoming: Any) -> IncomingMessage | None:
        """Mark edits and deletions at once, before the lane gets to them. Answers the question in a message."""
        if isinstance(incoming, Edited):
            await self._questions.mark_edited(incoming.written)
        elif isinstance(incoming, Deleted):
            await self._questions.mark_deleted(incoming.channel, incoming.ts)
        elif isinstance(incoming, IncomingMessage):
            resolved = await self._addressing.resolve(incoming)
            return resolved if resolved.via is not None else None
        return None

    async def _somebody_else_listens(self) -> bool:
        """Whether another part (ingest) subscribes to the events too; otherwise only what concerns the bot is kept."""
        now = asyncio.get_running_loop().time()
        if now >= self._others_known_until:
            subscriptions = await self._queue.subscriptions()
            self._others = any(s.topic == TOPIC and s.name != SUBSCRIPTION for s in subscriptions)
            self._others_known_until = now + 15.0
        return self._others


def _message(payload: Json, question: IncomingMessage | None) -> Message:
    """A question goes first, and its story begins here."""
    if question is None:
        return Message(payload, event_key(payload), lane(payload))
    return Message(payload, event_key(payload), lane(payload), priority=1, trace_id=new_trace_id())


def event_key(payload: Json) -> str | None:
    """Slack's id of the event: the same in every delivery, over every socket."""
    event_id = payload.get("event_id")
    return str(event_id) if event_id else None
