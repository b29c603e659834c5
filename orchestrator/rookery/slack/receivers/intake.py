"""Stores events in the queue before they are acknowledged to Slack."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rookery.slack.answers.questions import Addressing, QuestionStore
from rookery.slack.event_types import Deleted, Edited, IncomingMessage, lane, read
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


class Intake:
    """Publishes events to the topic `slack`, once per event id, and records questions, edits and deletions.

    Events that arrive during a commit share the next one, in order: a burst costs few commits.
    """

    def __init__(
        self,
        database: Database,
        queue: Queue,
        questions: QuestionStore,
        addressing: Addressing,
        identity: Identity,
    ) -> None:
        self._database = database
        self._queue = queue
        self._questions = questions
        self._addressing = addressing
        self._identity = identity
        # One event that cannot be stored must not keep the others out.
        self._batcher = Batcher(
            self._store, max_batch=MAX_BATCH, split_on=(Exception,), name="store Slack events"
        )
        self._others_valid_until = 0.0
        self._others = True

    async def store_event(self, payload: Json) -> bool:
        """Store an event; durable when this returns. False when it was stored before or nobody subscribes to it."""
        if read(payload, self._identity.user) is None and not await self._has_other_subscribers():
            return False
        return await self._batcher.add(payload)

    async def _store(self, payloads: Sequence[Json]) -> list[bool]:
        """Record the questions and publish the events in one transaction."""
        questions = [await self._record_change(read(payload, self._identity.user)) for payload in payloads]
        messages = [
            _message(payload, question) for payload, question in zip(payloads, questions, strict=True)
        ]
        async with self._database.acquire() as connection, connection.transaction():
            await self._questions.record_questions(
                [question for question in questions if question is not None], connection
            )
            stored = await self._queue.enqueue_many(TOPIC, messages, connection=connection)
        return [not message.duplicate for message in stored]

    async def _record_change(self, incoming: Any) -> IncomingMessage | None:
        """Mark edits and deletions before their events are handled. Returns the message when it is a question."""
        if isinstance(incoming, Edited):
            await self._questions.mark_edited(incoming.written)
        elif isinstance(incoming, Deleted):
            await self._questions.mark_deleted(incoming.channel, incoming.ts)
        elif isinstance(incoming, IncomingMessage):
            resolved = await self._addressing.resolve_follow_up(incoming)
            return resolved if resolved.via is not None else None
        return None

    async def _has_other_subscribers(self) -> bool:
        """Whether another program (ingest) subscribes to the events; otherwise only the bot's are stored."""
        now = asyncio.get_running_loop().time()
        if now >= self._others_valid_until:
            subscriptions = await self._queue.subscriptions()
            self._others = any(s.topic == TOPIC and s.name != SUBSCRIPTION for s in subscriptions)
            self._others_valid_until = now + 15.0
        return self._others


def _message(payload: Json, question: IncomingMessage | None) -> Message:
    """The event as a message of the queue. A question has priority, and its trace begins here."""
    if question is None:
        return Message(payload, event_key(payload), lane(payload))
    return Message(payload, event_key(payload), lane(payload), priority=1, trace_id=new_trace_id())


def event_key(payload: Json) -> str | None:
    """Slack's id of the event: the same in every delivery, over every socket."""
    event_id = payload.get("event_id")
    return str(event_id) if event_id else None
