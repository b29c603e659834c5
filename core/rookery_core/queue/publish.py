"""Publishing events. One INSERT copies an event to every subscription of its topic and records its idempotency key.

A recorded key is never accepted again on that topic.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar, cast

from rookery_core import sql, telemetry
from rookery_core.batching import Batcher
from rookery_core.errors import InvalidInput, NotFound
from rookery_core.queue.base import PACKAGE, QueueBase
from rookery_core.queue.model import EncodedMessage, Enqueued, Message, check_name, encode_message
from rookery_core.queue.notify import format_notification
from rookery_core.suggestions import suggest

if TYPE_CHECKING:
    from rookery_core.database.connection import Connection, Row

_SQL = sql.load(PACKAGE, "sql/publish.sql")
MAX_BATCH = 5_000  # messages in one statement
MAX_BATCH_LENGTH = 64 * 1024 * 1024  # characters of payload; a statement must stay well below a gigabyte
MAX_GROUP = 200  # single messages of concurrent callers in one statement
_LARGE_BATCH = 100  # messages; from here on a statement is planned for its size
_ENCODED_AT_ONCE = 100  # messages between two turns of the event loop

ItemT = TypeVar("ItemT")


class Publisher:
    """Publishes events of one team."""

    def __init__(self, base: QueueBase) -> None:
        self._base = base
        self._groups: dict[str, Batcher[EncodedMessage, Enqueued]] = {}

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
        """Publish one event. It is committed when this returns or, with `connection`, when that transaction commits.

        key: an idempotency key, accepted once on its topic and never again. ordering_key: events that share it run
        one after the other, in order of arrival. priority: -5 to 5, higher first. Raises NotFound when no
        subscription receives the topic (the event is refused, not dropped) and InvalidInput for what cannot be
        stored.
        """
        check_name(topic, "topic")
        message = Message(payload, key, ordering_key, priority, delay_s)
        encoded = encode_message(message, trace_id or telemetry.trace_id())
        if connection is None:
            return await self._group(topic).add(encoded)
        return next((await self._insert(topic, Batch([encoded]), connection)).results())

    async def enqueue_many(
        self,
        topic: str,
        messages: Sequence[Message],
        *,
        trace_id: str | None = None,
        connection: Connection | None = None,
    ) -> list[Enqueued]:
        """Publish many events in order; the results have the same order. Raises as `enqueue` does.

        Up to 5,000 messages of 64 million characters together are one statement, all or nothing. With `connection`
        all messages are all or nothing.
        """
        check_name(topic, "topic")
        trace = trace_id or telemetry.trace_id()
        results: list[Enqueued] = []
        inserting: asyncio.Task[Inserted] | None = None
        try:
            position = 0
            while position < len(messages):
                # The next batch is encoded, and the last one's results are made, while the database works.
                batch = await self._encode(messages[position : position + MAX_BATCH], trace)
                position += len(batch.messages)
                inserted = None if inserting is None else await inserting
                inserting = asyncio.create_task(self._insert(topic, batch, connection))
                if inserted is not None:
                    results += await _collect_in_turns(inserted.results())
            return results if inserting is None else [*results, *(await inserting).results()]
        finally:
            if inserting is not None:
                await asyncio.wait([inserting])

    def _group(self, topic: str) -> Batcher[EncodedMessage, Enqueued]:
        group = self._groups.get(topic)
        if group is None:
            group = self._groups[topic] = Batcher(
                partial(self._insert_group, topic),
                max_batch=MAX_GROUP,
                split_on=(InvalidInput,),
                name=f"publishing to {topic}",
            )
        return group

    async def _insert_group(self, topic: str, messages: Sequence[EncodedMessage]) -> list[Enqueued]:
        return list((await self._insert(topic, Batch(messages))).results())

    async def _encode(self, messages: Sequence[Message], trace: str | None) -> Batch:
        """Check and encode the first of the messages: as many as one statement takes."""
        return Batch(await _collect_in_turns(_encode_up_to_limit(messages, trace)))

    async def _insert(self, topic: str, batch: Batch, connection: Connection | None = None) -> Inserted:
        # A postponed notification could go out before the caller commits, so there it always travels with the commit.
        notification = (
            format_notification(topic, self._base.team, batch.soonest_s)
            if connection is not None
            else self._base.notifier.take(topic, self._base.team, batch.soonest_s)
        )
        values = (self._base.team, self._base.now(), topic, *batch.columns, notification)
        async with self._base.connection(connection) as open_connection:
            row = await _run_insert(
                open_connection, values, len(batch.positions), own_transaction=connection is None
            )
            new_ids: dict[int, Sequence[int]] = {
                batch.positions[n - 1]: ids for n, ids in zip(row["positions"], row["ids"], strict=True)
            }
            first_uses: Mapping[str, Sequence[int]] = {}
            if len(new_ids) < len(batch.messages):
                first_uses = await self._find_first_uses(open_connection, topic, batch.messages, new_ids)
        return Inserted(batch.messages, new_ids, first_uses)

    async def _find_first_uses(
        self,
        connection: Connection,
        topic: str,
        messages: Sequence[EncodedMessage],
        new_ids: Mapping[int, Sequence[int]],
    ) -> dict[str, Sequence[int]]:
        """The ids of the first use of each key that was used before. Raises NotFound without a subscription."""
        missing = [message.key for position, message in enumerate(messages) if position not in new_ids]
        keys = {key for key in missing if key}
        rows = await connection.fetch(_SQL["find_first_uses"], self._base.team, topic, sorted(keys))
        first_uses = {row["key"]: row["event_ids"] for row in rows}
        if len(first_uses) < len(keys) or not all(missing):
            raise await self._no_subscription(connection, topic)
        return first_uses

    async def _no_subscription(self, connection: Connection, topic: str) -> NotFound:
        rows = await connection.fetch(_SQL["list_topics"], self._base.team)
        return NotFound(
            f"No subscription receives the topic {topic!r}.",
            hint="Start the worker that subscribes to it, or publish to another topic.",
            candidates=suggest(topic, [row["topic"] for row in rows]),
        )


class Batch:
    """What one statement publishes. positions: of the messages in it; a key that occurs twice is sent once."""

    def __init__(self, messages: Sequence[EncodedMessage]) -> None:
        self.messages = messages
        self.soonest_s = min(message.delay_s for message in messages)
        self.positions = _first_positions(messages)
        distinct = [messages[position] for position in self.positions]
        self.columns = (
            [message.payload for message in distinct],
            _column([message.key for message in distinct]),
            _column([message.ordering_key for message in distinct]),
            _column([message.priority for message in distinct]),
            _column([message.delay_s for message in distinct]),
            _column([message.trace_id for message in distinct]),
        )


@dataclass(frozen=True, slots=True)
class Inserted:
    """The outcome of a batch.

    new_ids: event ids by the position of their message. first_uses: event ids of the first use of keys used before.
    """

    messages: Sequence[EncodedMessage]
    new_ids: Mapping[int, Sequence[int]]
    first_uses: Mapping[str, Sequence[int]]

    def results(self) -> Iterator[Enqueued]:
        """One result for each message, in order."""
        for position, message in enumerate(self.messages):
            ids = self.new_ids.get(position)
            if ids is None:
                yield Enqueued(tuple(self.first_uses[message.key or ""]), duplicate=True)
            else:
                yield Enqueued(tuple(ids))


def _encode_up_to_limit(messages: Sequence[Message], trace: str | None) -> Iterator[EncodedMessage]:
    """The first of the messages, encoded, up to MAX_BATCH_LENGTH. Raises InvalidInput."""
    remaining = MAX_BATCH_LENGTH
    for message in messages:
        encoded = encode_message(message, message.trace_id or trace)
        yield encoded
        remaining -= len(encoded.payload)
        if remaining <= 0:
            return


def _column(values: list[Any]) -> list[Any]:
    """The values, or an empty array (all null to the statement) when all are the default: much faster to send."""
    return values if any(values) else []


def _first_positions(messages: Sequence[EncodedMessage]) -> list[int]:
    """The positions to send: a key that occurs twice in one batch is sent once."""
    seen: set[str] = set()
    positions: list[int] = []
    for position, message in enumerate(messages):
        if message.key is not None:
            if message.key in seen:
                continue
            seen.add(message.key)
        positions.append(position)
    return positions


async def _collect_in_turns(items: Iterable[ItemT]) -> list[ItemT]:
    """The items as a list, made a few at a time so that the event loop can run other tasks."""
    collected: list[ItemT] = []
    remaining = iter(items)
    while part := list(islice(remaining, _ENCODED_AT_ONCE)):
        collected += part
        await asyncio.sleep(0)
    return collected


async def _run_insert(
    connection: Connection, values: tuple[Any, ...], size: int, *, own_transaction: bool
) -> Row:
    """Insert a batch of `size`. own_transaction: the caller has none open, so the statement may fail and be repeated."""
    from asyncpg import UniqueViolationError

    if size < _LARGE_BATCH:
        return (await connection.fetch(_SQL["enqueue_events"], *values, False))[0]
    if own_transaction:
        with suppress(UniqueViolationError):
            return await _run_planned(connection, _SQL["enqueue_undisputed"], values)
    return await _run_planned(connection, _SQL["enqueue_events"], values)


async def _run_planned(connection: Connection, query: str, values: tuple[Any, ...]) -> Row:
    """Run a statement planned for its size: a plan for any size would join a large batch row by row."""
    statement = await cast("Any", connection).prepare(query)
    return (await statement.fetch(*values, True))[0]
