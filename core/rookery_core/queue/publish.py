"""Publishing: one statement puts an event before every subscription of its topic, once for each key, for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from difflib import get_close_matches
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar, cast

from rookery_core import sql, telemetry
from rookery_core.errors import NotFound
from rookery_core.identity.caller import DEFAULT_TEAM
from rookery_core.queue.base import PACKAGE, Base, Clock
from rookery_core.queue.batch import Batch, Sent, up_to_a_size
from rookery_core.queue.gather import Gatherer
from rookery_core.queue.model import (
    Enqueued,
    Message,
    Outgoing,
    check_name,
    outgoing,
)
from rookery_core.queue.wakeup import make_hint

if TYPE_CHECKING:
    from rookery_core.database import Connection, Database, Row

_SQL = sql.load(PACKAGE, "publish.sql")
_ENQUEUE_UNDISPUTED = sql.leaving_out("on conflict (team, topic, key) do nothing", _SQL["enqueue"])
"""The same, a quarter quicker, but refused when somebody else spends one of the keys at the same moment."""
_BATCH = 5_000
_LARGE = 100

_T = TypeVar("_T")


class Publishing(Base):
    """What producers do."""

    def __init__(self, database: Database, *, clock: Clock | None = None, team: str = DEFAULT_TEAM) -> None:
        super().__init__(database, clock=clock, team=team)
        self._gatherer = Gatherer(self._publish_all)

    async def enqueue(
        self,
        topic: str,
        payload: Mapping[str, Any],
        *,
        key: str | None = None,
        ordering_key: str | None = None,
        priority: int = 0,
        delay_s: float = 0.0,
        trace_id: str | None = None,
        connection: Connection | None = None,
    ) -> Enqueued:
        """Publish one event, durably: when this returns, it is committed (with `connection`: when that commits).

        key: an idempotency key; on one topic it is accepted once, for ever. ordering_key: events that share it
        run one after the other, in order of arrival. priority: -5 to 5, higher first. Raises NotFound when no
        subscription receives the topic (an event that nobody would ever see is refused, not dropped) and
        InvalidInput for what cannot be stored.
        """
        check_name(topic, "topic")
        message = Message(payload, key, ordering_key, priority, delay_s)
        sent = outgoing(message, trace_id or telemetry.trace_id())
        if connection is None:
            return await self._gatherer.enqueue(topic, sent)
        return next((await self._send(topic, Batch([sent]), connection)).answers())

    async def enqueue_many(
        self,
        topic: str,
        messages: Sequence[Message],
        *,
        trace_id: str | None = None,
        connection: Connection | None = None,
    ) -> list[Enqueued]:
        """Publish many events in order; the answers come in the same order. Raises as `enqueue` does.

        Up to 5,000, of 64 million characters together, are one statement and all or nothing; with `connection` all
        of them are.
        """
        check_name(topic, "topic")
        trace = trace_id or telemetry.trace_id()
        answers: list[Enqueued] = []
        under_way: asyncio.Task[Sent] | None = None
        try:
            at = 0
            while at < len(messages):
                # Encoded, and the last one's answers made, while the database is at work.
                batch = await self._encode(messages[at : at + _BATCH], trace)
                at += len(batch.messages)
                sent = None if under_way is None else await under_way
                under_way = asyncio.create_task(self._send(topic, batch, connection))
                if sent is not None:
                    answers += await _in_turns(sent.answers())
            return answers if under_way is None else [*answers, *(await under_way).answers()]
        finally:
            if under_way is not None:
                await asyncio.wait([under_way])

    async def _encode(self, messages: Sequence[Message], trace: str | None) -> Batch:
        """The first of the messages, checked and encoded: as many as one statement takes."""
        return Batch(await _in_turns(up_to_a_size(messages, trace)))

    async def _publish_all(self, topic: str, messages: Sequence[Outgoing]) -> list[Enqueued]:
        return list((await self._send(topic, Batch(messages))).answers())

    async def _send(self, topic: str, batch: Batch, connection: Connection | None = None) -> Sent:
        # A hint that may go out before the caller commits is lost, so there it always travels with the commit.
        hint = (
            make_hint(topic, self.team, batch.soonest_s)
            if connection is not None
            else self._hints.leading(topic, self.team, batch.soonest_s)
        )
        values = (self.team, self.now(), topic, *batch.columns, hint)
        async with self.connection(connection) as own:
            row = await _insert(own, values, len(batch.sent), alone=connection is None)
            fresh: dict[int, Sequence[int]] = {
                batch.sent[n - 1]: ids for n, ids in zip(row["places"], row["ids"], strict=True)
            }
            spent: Mapping[str, Sequence[int]] = {}
            if len(fresh) < len(batch.messages):
                spent = await self._spent(own, topic, batch.messages, fresh)
        return Sent(batch.messages, fresh, spent)

    async def _spent(
        self, connection: Connection, topic: str, batch: Sequence[Outgoing], fresh: Mapping[int, Any]
    ) -> dict[str, Sequence[int]]:
        keys = {message.key for at, message in enumerate(batch) if at not in fresh and message.key}
        rows = await connection.fetch(_SQL["first_use"], self.team, topic, sorted(keys))
        spent = {row["key"]: row["event_ids"] for row in rows}
        if len(spent) < len(keys) or any(not m.key for at, m in enumerate(batch) if at not in fresh):
            raise await self._nobody_receives(connection, topic)
        return spent

    async def _nobody_receives(self, connection: Connection, topic: str) -> NotFound:
        topics = [row["topic"] for row in await connection.fetch(_SQL["topics"], self.team)]
        return NotFound(
            f"No subscription receives the topic {topic!r}.",
            hint="Start the worker that subscribes to it, or publish to another topic.",
            candidates=get_close_matches(topic, topics, n=3),
        )


async def _in_turns(items: Iterable[_T]) -> list[_T]:
    """The items, made a few at a time: the loop has other things to do as well."""
    made: list[_T] = []
    remaining = iter(items)
    while few := list(islice(remaining, _LARGE)):
        made += few
        await asyncio.sleep(0)
    return made


async def _insert(connection: Connection, values: tuple[Any, ...], size: int, *, alone: bool) -> Row:
    """Publish. alone: no transaction of the caller's is open, so that the statement may fail and be sent again."""
    from asyncpg import UniqueViolationError

    if size < _LARGE:
        return (await connection.fetch(_SQL["enqueue"], *values, False))[0]
    if alone:
        with suppress(UniqueViolationError):
            return await _planned(connection, _ENQUEUE_UNDISPUTED, values)
    return await _planned(connection, _SQL["enqueue"], values)


async def _planned(connection: Connection, query: str, values: tuple[Any, ...]) -> Row:
    """A large batch is planned for its size: a plan made for any size would join it row by row."""
    statement = await cast("Any", connection).prepare(query)
    return (await statement.fetch(*values, True))[0]
