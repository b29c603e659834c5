"""Claims: lease events and complete, fail, release or extend them, one call at a time. `Worker` does so in batches."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, Collection, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from rookery_core import sql
from rookery_core.errors import InvalidInput, Unavailable
from rookery_core.queue.base import PACKAGE, QueueBase
from rookery_core.queue.errors import LeaseLost
from rookery_core.queue.model import PRIORITIES, Event

if TYPE_CHECKING:
    from rookery_core.database.connection import Connection, Row

CLAIMS_SQL = sql.load(PACKAGE, "sql/claims.sql")
PRIORITY_ORDER = tuple(reversed(PRIORITIES))  # the highest first
MAX_LOCK_WAIT_S = 10.0
MAX_CLAIM = 1000  # events


class Finish(NamedTuple):
    """An event on its way out of the queue.

    token None: the event is not leased. outcome: done, cancelled, failed, exhausted or expired; None is done without an
    ordering key or an effect. effect, request and receipt: recorded in the same commit; request and receipt are JSON.
    """

    event_id: int
    token: int | None
    outcome: str | None
    error: str | None = None
    effect: str | None = None
    request: str | None = None
    receipt: str | None = None


class Release(NamedTuple):
    """A leased event on its way back to the queue. delay_s None: by the subscription's backoff."""

    event_id: int
    token: int
    delay_s: float | None
    consumes_attempt: bool
    error: str | None = None


def new_token() -> int:
    """A number that no other claim has; it proves that the lease is held."""
    return secrets.randbits(62)


def read_event(row: Row) -> Event:
    """The event in a row of `claim_events` or `get_claimed_event`."""
    return Event(
        row["id"], row["topic"], row["subscription"], row["payload"], row["key"], row["ordering_key"],
        row["attempts"], row["trace_id"], row["token"], row["priority"], row["place"], row["enqueued_at"],
    )  # fmt: skip


def finish_columns(finishes: Collection[Finish]) -> list[list[Any]]:
    """The entries as arrays, one for each field: ids, tokens, outcomes, errors, effects, requests, receipts."""
    return _columns(finishes, len(Finish._fields))


def release_columns(releases: Collection[Release]) -> list[list[Any]]:
    """The entries as arrays, one for each field: ids, tokens, delays, consumed attempts, errors."""
    return _columns(releases, len(Release._fields))


def _columns(entries: Collection[tuple[Any, ...]], width: int) -> list[list[Any]]:
    return [list(column) for column in zip(*entries, strict=True)] if entries else [[] for _ in range(width)]


class Claims:
    """Claims events of one team."""

    def __init__(self, base: QueueBase) -> None:
        self._base = base

    async def claim(
        self,
        subscriptions: Sequence[str],
        limit: int = 1,
        *,
        worker: str = "client",
        connection: Connection | None = None,
    ) -> list[Event]:
        """Lease up to `limit` ready events, the highest priority first, then the oldest. Consumes an attempt.

        Raises InvalidInput for a limit that is not 1 to 1000.
        """
        if not 1 <= limit <= MAX_CLAIM:
            raise InvalidInput(f"limit must be 1 to {MAX_CLAIM}, not {limit!r}.")
        plan = [(name, priority) for priority in PRIORITY_ORDER for name in subscriptions]
        async with self._base.connection(connection) as open_connection:
            rows = await open_connection.fetch(
                CLAIMS_SQL["claim_events"], self._base.team, self._base.now(), [name for name, _ in plan],
                [priority for _, priority in plan], [0] * len(plan), limit, 0, new_token(), worker, limit,
            )  # fmt: skip
        claimed = (read_event(row) for row in rows if row["kind"] == "claimed")
        return sorted(claimed, key=lambda event: (-event.priority, event.id))

    async def held(self, event_id: int, token: int) -> Event:
        """The event that a claim holds, for a caller that kept only its id and token. Raises LeaseLost."""
        row = None
        if token < 2**63:  # a larger one belongs to no claim and is no number to the database
            async with self._base.connection() as connection:
                row = await connection.fetchrow(
                    CLAIMS_SQL["get_claimed_event"], self._base.team, event_id, token
                )
        if row is None:
            raise LeaseLost(
                f"Event {event_id} is not leased to this claim.",
                hint="It was finished, or its lease expired and another claim may have it.",
            )
        return read_event(row)

    async def complete(self, event: Event, *, connection: Connection | None = None) -> None:
        """Mark the event as done: it moves to the history. Raises LeaseLost when another claim has it."""
        await self.finish(event, "done", connection=connection)

    async def fail(
        self,
        event: Event,
        error: str,
        *,
        permanent: bool = False,
        delay_s: float | None = None,
        counts: bool = True,
        connection: Connection | None = None,
    ) -> bool:
        """Record a failed attempt: the event is retried after `delay_s` (None: the backoff) or becomes a dead letter.

        counts: whether this consumes an attempt. Returns whether there will be another attempt. Raises LeaseLost.
        """
        if permanent:
            await self.finish(event, "failed", error, connection=connection)
            return False
        if counts and event.attempt >= await self._max_attempts(event.subscription):
            await self.finish(event, "exhausted", error, connection=connection)
            return False
        await self.release(event, delay_s, error, consumes_attempt=counts, connection=connection)
        return True

    async def extend(self, event: Event, lease_s: float | None = None) -> bool:
        """Extend the lease, counted from now. Returns whether an operator asked to cancel the event. Raises LeaseLost."""
        async with self._base.connection() as connection:
            row = await connection.fetchrow(
                CLAIMS_SQL["extend_leases"],
                self._base.team,
                self._base.now(),
                [event.id],
                [event.token],
                lease_s,
            )
        if row is None:
            raise LeaseLost.of(event.id)
        return bool(row["cancel_requested"])

    async def finish(
        self, event: Event, outcome: str, error: str | None = None, *, connection: Connection | None = None
    ) -> None:
        """Finish a leased event: done, cancelled, failed or exhausted. Raises LeaseLost."""
        if outcome == "done" and event.ordering_key is None:
            await self._complete(event, connection)
            return
        if connection is not None and event.ordering_key is not None:
            await connection.execute(
                CLAIMS_SQL["lock_lane"], self._base.team, event.subscription, event.ordering_key
            )
        await self.finish_many([Finish(event.id, event.token, outcome, error)], connection=connection)

    async def _complete(self, event: Event, connection: Connection | None) -> None:
        """Finish an event that is done and has no ordering key."""
        async for _ in _retries():
            async with self._base.connection(connection) as open_connection:
                rows = await open_connection.fetch(
                    CLAIMS_SQL["complete_events"],
                    self._base.team,
                    self._base.now(),
                    [event.id],
                    [event.token],
                )
            if not rows:
                return
            if rows[0]["problem"] == "lost":
                raise LeaseLost.of(event.id)

    async def finish_many(
        self,
        finishes: Sequence[Finish],
        *,
        only_expired_leases: bool = False,
        strict: bool = True,
        connection: Connection | None = None,
    ) -> set[int]:
        """Finish events; returns the ids of those that were finished.

        Waits for lanes that an enqueuing transaction holds, unless only_expired_leases. Raises LeaseLost when strict
        and one was not there.
        """
        pending = {entry.event_id: entry for entry in finishes}
        finished: set[int] = set()
        async for _ in _retries():
            ids, tokens, outcomes, errors, *effect = finish_columns(pending.values())
            async with self._base.connection(connection) as open_connection:
                rows = await open_connection.fetch(
                    CLAIMS_SQL["finish_events"], self._base.team, self._base.now(), ids, tokens, outcomes, errors,
                    only_expired_leases, *effect,
                )  # fmt: skip
            lost = {row["id"] for row in rows if row["problem"] == "lost"}
            busy = {row["id"] for row in rows if row["problem"] == "busy"}
            if lost and strict:
                raise LeaseLost.of(min(lost))
            finished |= pending.keys() - lost - busy
            pending = {event_id: pending[event_id] for event_id in busy}
            if not pending or only_expired_leases:
                break
        return finished

    async def release(
        self,
        event: Event,
        delay_s: float | None = 0.0,
        error: str | None = None,
        *,
        consumes_attempt: bool = False,
        connection: Connection | None = None,
    ) -> None:
        """Return a leased event to the queue, by default as if it had not been claimed. Raises LeaseLost.

        delay_s None: by the subscription's backoff.
        """
        entry = Release(event.id, event.token, delay_s, consumes_attempt, error)
        async for _ in _retries():
            async with self._base.connection(connection) as open_connection:
                rows = await open_connection.fetch(
                    CLAIMS_SQL["release_events"],
                    self._base.team,
                    self._base.now(),
                    *release_columns([entry]),
                    False,
                )
            statuses = {row["status"] for row in rows if row["id"] == event.id}
            if "lost" in statuses:
                raise LeaseLost.of(event.id)
            if "busy" not in statuses:
                return

    async def _max_attempts(self, subscription: str) -> int:
        async with self._base.connection() as connection:
            return (
                await connection.fetchval(CLAIMS_SQL["get_max_attempts"], self._base.team, subscription) or 1
            )


async def _retries() -> AsyncGenerator[None]:
    """Yields for each try, with growing pauses, while another transaction locks a row. Raises Unavailable in the end."""
    waited_s, pause_s = 0.0, 0.002
    while waited_s < MAX_LOCK_WAIT_S:
        yield
        await asyncio.sleep(pause_s)
        waited_s, pause_s = waited_s + pause_s, min(pause_s * 2, 0.25)
    raise Unavailable(
        f"Another transaction has locked this event or its lane for {MAX_LOCK_WAIT_S:.0f} seconds.",
        retry_after_s=1.0,
    )
