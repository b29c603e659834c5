"""What Slack tells is in the queue before Slack hears that it arrived."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from rookery.slack.incoming import Deleted, Edited, Written, lane, read
from rookery.slack.questions import QuestionStore
from rookery.slack.settings import SlackSettings
from rookery_core.telemetry import get_logger, new_trace_id

if TYPE_CHECKING:
    from rookery.slack.directory import Identity
    from rookery_core.database import Database
    from rookery_core.queue import Queue

Json = dict[str, Any]
TOPIC = "slack"
SUBSCRIPTION = "agent"
_log = get_logger(__name__)


class Addressing:
    """Decides which messages are questions for the bot, beyond mentions and direct messages."""

    def __init__(self, questions: QuestionStore, settings: SlackSettings) -> None:
        self._questions = questions
        self._settings = settings

    async def resolve(self, written: Written) -> Written:
        """The message with `via` set when it goes on in a thread that the bot takes part in."""
        if written.via is not None or not written.is_reply or not self._follows(written.channel):
            return written
        if not await self._questions.takes_part(written.channel, written.thread_ts):
            return written
        return dataclasses.replace(written, via="follow_up")

    def _follows(self, channel: str) -> bool:
        return self._settings.follow_ups or channel in self._settings.follow_up_channels


class Intake:
    """Publishes events to the topic `slack`, once for each event id, and notes what happens to questions."""

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

    async def event(self, payload: Json) -> bool:
        """Store an event; when this returns it is durable. False when it was there before."""
        incoming = read(payload, self._own.user)
        question: Written | None = None
        if isinstance(incoming, Edited):
            await self._questions.mark_edited(incoming.written)
        elif isinstance(incoming, Deleted):
            await self._questions.mark_deleted(incoming.channel, incoming.ts)
        elif isinstance(incoming, Written):
            question = await self._addressing.resolve(incoming)
        async with self._database.acquire() as connection, connection.transaction():
            if question is not None and question.via is not None:
                await self._questions.note(question, connection)
            stored = await self._queue.enqueue(
                TOPIC,
                payload,
                key=event_key(payload),
                ordering_key=lane(payload),
                priority=1 if question is not None and question.via else 0,
                trace_id=new_trace_id(),
                connection=connection,
            )
        if stored.duplicate:
            _log.info("event %s came again", payload.get("event_id"))
        return not stored.duplicate


def event_key(payload: Json) -> str | None:
    """Slack's id of the event: the same in every delivery, over every socket."""
    event_id = payload.get("event_id")
    return str(event_id) if event_id else None
