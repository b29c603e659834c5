"""Publishing: one statement puts an event before every subscription of its topic, once for each key, for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar, cast

from rookery_core import sql, telemetry
from rookery_core.errors import InvalidInput, NotFound
from rookery_core.identity.caller import DEFAULT_TEAM
from rookery_core.queue.base import PACKAGE, Base, Clock
from rookery_core.queue.gather import Gatherer
from rookery_core.queue.model import (
    Backoff,
    Enqueued,
    Message,
    OnDead,
    Outgoing,
    Subscription,
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
_LARGEST_BATCH = 64 * 1024 * 1024  # characters of payload; a statement must stay well below a gigabyte
_LARGE = 100

_T = TypeVar("_T")


class Publishing(Base):
    """What producers do."""

    def __init__(self, database: Database, *, clock: Clock | None = None, team: str = DEFAULT_TEAM) -> None:
        super().__init__(database, clock=clock, team=team)
        self._gatherer = Gatherer(self._publish_all)

    async def subscribe(
        self,
        topic: str,
        name: str,
        *,
        max_attempts: int = 5,
        lease_s: float = 30.0,
        backoff: Backoff | None = None,
        concurrency: int | None = None,
        key_concurrency: int = 1,
        on_dead: OnDead = "continue",
        expires_after_s: float | None = None,
        internal: bool = False,
    ) -> Subscription:
        """Make the subscription `name` of `topic`, or change how it works. What is published from now on reaches it.

        concurrency: how many of its events run at once, over all processes. key_concurrency: how many of one
        ordering key; 1 keeps their order. on_dead: whether a dead letter lets its lane go on, or bars it until
        it is retried or discarded. expires_after_s: an event not begun by then becomes a dead letter.
        internal: a program of ours that trusts what it receives, so that models may not publish to its topic.
        Raises InvalidInput, also when `name` already receives another topic.
        """
        check_name(topic, "topic")
        check_name(name, "subscription")
        _check_policy(max_attempts, lease_s, concurrency, key_concurrency, on_dead, expires_after_s)
        wait = backoff or Backoff()
        async with self.connection() as connection:
            row = await connection.fetchrow(
                _SQL["subscribe"], self.team, name, topic, max_attempts, lease_s, wait.base_s, wait.cap_s,
                wait.jitter, concurrency, key_concurrency, on_dead, expires_after_s, internal,
            )  # fmt: skip
        if row is None:
            raise InvalidInput(
                f"subscription {name!r} already receives another topic than {topic!r}.",
                hint="Choose another name, or unsubscribe it first.",
            )
        return (await self.subscriptions([name]))[0]

    async def unsubscribe(self, name: str) -> bool:
        """End a subscription. False when there is none, or when it still has live events."""
        async with self.connection() as connection:
            return await connection.fetchval(_SQL["unsubscribe"], self.team, name) is not None

    async def subscriptions(self, names: Sequence[str] | None = None) -> list[Subscription]:
        """Every subscription of the team, or those named, by name."""
        async with self.connection() as connection:
            rows = await connection.fetch(
                _SQL["subscriptions"], self.team, None if names is None else list(names)
            )
        return [_subscription(row) for row in rows]

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
        return next((await self._send(topic, _Batch([sent]), connection)).answers())

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
        under_way: asyncio.Task[_Sent] | None = None
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

    async def _encode(self, messages: Sequence[Message], trace: str | None) -> _Batch:
        """The first of the messages, checked and encoded: as many as one statement takes."""
        return _Batch(await _in_turns(_up_to_a_size(messages, trace)))

    async def _publish_all(self, topic: str, messages: Sequence[Outgoing]) -> list[Enqueued]:
        return list((await self._send(topic, _Batch(messages))).answers())

    async def _send(self, topic: str, batch: _Batch, connection: Connection | None = None) -> _Sent:
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
        return _Sent(batch.messages, fresh, spent)

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


class _Batch:
    """What one statement publishes; `sent` are the positions of the messages in it: a key that comes twice goes once."""

    def __init__(self, messages: Sequence[Outgoing]) -> None:
        self.messages = messages
        self.soonest_s = min(message.delay_s for message in messages)
        self.sent = _first_uses(messages)
        sent = [messages[at] for at in self.sent]
        self.columns = (
            [message.payload for message in sent],
            _column([message.key for message in sent]),
            _column([message.ordering_key for message in sent]),
            _column([message.priority for message in sent]),
            _column([message.delay_s for message in sent]),
            _column([message.trace_id for message in sent]),
        )


@dataclass(frozen=True, slots=True)
class _Sent:
    """What became of a batch: the ids of what is new, by position, and of the first use of keys that were spent."""

    messages: Sequence[Outgoing]
    fresh: Mapping[int, Sequence[int]]
    spent: Mapping[str, Sequence[int]]

    def answers(self) -> Iterator[Enqueued]:
        for at, message in enumerate(self.messages):
            ids = self.fresh.get(at)
            if ids is None:
                yield Enqueued(tuple(self.spent[message.key or ""]), duplicate=True)
            else:
                yield Enqueued(tuple(ids))


def _up_to_a_size(messages: Sequence[Message], trace: str | None) -> Iterator[Outgoing]:
    room = _LARGEST_BATCH
    for message in messages:
        encoded = outgoing(message, message.trace_id or trace)
        yield encoded
        room -= len(encoded.payload)
        if room <= 0:
            return


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


def _column(values: list[Any]) -> list[Any]:
    """The values, or an empty array (all null to the statement) when there is nothing to say: much quicker to send."""
    return values if any(values) else []


def _first_uses(batch: Sequence[Outgoing]) -> list[int]:
    """The positions to send: a key that occurs twice in one batch is sent once."""
    seen: set[str] = set()
    positions: list[int] = []
    for at, message in enumerate(batch):
        if message.key is not None:
            if message.key in seen:
                continue
            seen.add(message.key)
        positions.append(at)
    return positions


def _check_policy(
    max_attempts: int,
    lease_s: float,
    concurrency: int | None,
    key_concurrency: int,
    on_dead: str,
    expires_after_s: float | None,
) -> None:
    problems = {
        "max_attempts must be 1 to 1000": 1 <= max_attempts <= 1000,
        "lease_s must be more than 0 and at most a day": 0 < lease_s <= 86_400,
        "concurrency must be at least 1, or None for no limit": concurrency is None or concurrency >= 1,
        "key_concurrency must be 1 to 1000": 1 <= key_concurrency <= 1000,
        "on_dead must be 'continue' or 'block'": on_dead in ("continue", "block"),
        "expires_after_s must be more than 0, or None": expires_after_s is None or expires_after_s > 0,
    }
    if wrong := [problem for problem, holds in problems.items() if not holds]:
        raise InvalidInput("; ".join(wrong) + ".")


def _subscription(row: Row) -> Subscription:
    return Subscription(
        name=row["name"],
        topic=row["topic"],
        max_attempts=row["max_attempts"],
        lease_s=row["lease_s"],
        backoff=Backoff(row["backoff_base_s"], row["backoff_cap_s"], row["backoff_jitter"]),
        concurrency=row["concurrency"],
        key_concurrency=row["key_concurrency"],
        on_dead=row["on_dead"],
        expires_after_s=row["expires_after_s"],
        paused=row["paused"],
        internal=row["internal"],
    )
