"""Working on events one call at a time: claim, complete, fail, extend. `Worker` does the same in batches."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, Collection, Sequence
from typing import TYPE_CHECKING, Any

from rookery_core import sql
from rookery_core.errors import InvalidInput, Unavailable
from rookery_core.queue.base import PACKAGE, Base
from rookery_core.queue.failures import LeaseLost
from rookery_core.queue.model import PRIORITIES, Event

if TYPE_CHECKING:
    from rookery_core.database import Connection, Row

WORK_SQL = sql.load(PACKAGE, "work.sql")
ORDER = tuple(reversed(PRIORITIES))  # the highest first
_PATIENCE_S = 10.0


def new_token() -> int:
    """A number that no other claim has: the lease is held by who knows it."""
    return secrets.randbits(62)


def event_of(row: Row) -> Event:
    """The event in a row of kind `claimed`."""
    return Event(
        row[1], row[2], row[3], row[4], row[5], row[6], row[7], row[8], row[9], row[10], row[11], row[12]
    )  # fmt: skip


def columns(entries: Collection[tuple[Any, ...]], width: int) -> list[list[Any]]:
    """The entries, each of that width, as the statements that take many at once have them: a list for each column."""
    return [list(column) for column in zip(*entries, strict=True)] if entries else [[] for _ in range(width)]


class Working(Base):
    """What a worker does with events."""

    async def claim(
        self,
        subscriptions: Sequence[str],
        limit: int = 1,
        *,
        worker: str = "client",
        connection: Connection | None = None,
    ) -> list[Event]:
        """Lease up to `limit` ready events, the highest priority first, then the oldest. Counts as an attempt."""
        names = list(subscriptions)
        if not 1 <= limit <= 1000:
            raise InvalidInput(f"limit {limit!r} is not between 1 and 1000.")
        probes = [(name, priority) for priority in ORDER for name in names]
        async with self.connection(connection) as own:
            rows = await own.fetch(
                WORK_SQL["claim"], self.team, self.now(), [name for name, _ in probes],
                [priority for _, priority in probes], [0] * len(probes), limit, 0, new_token(), worker, limit,
            )  # fmt: skip
        claimed = (event_of(row) for row in rows if row["kind"] == "claimed")
        return sorted(claimed, key=lambda event: (-event.priority, event.id))

    async def held(self, event_id: int, token: int) -> Event:
        """The event that a claim holds, for who kept only its id and token. Raises LeaseLost."""
        row = None
        if token < 2**63:  # another is nobody's, and no number to the database
            async with self.connection() as own:
                row = await own.fetchrow(WORK_SQL["held"], self.team, event_id, token)
        if row is None:
            raise LeaseLost(
                f"Event {event_id} is not leased to this claim.",
                hint="It was settled, or its lease ended and others may have it.",
            )
        return event_of(row)

    async def complete(self, event: Event, *, connection: Connection | None = None) -> None:
        """The event is done: it moves to the history. Raises LeaseLost when somebody else has it by now."""
        await self.settle(event, "done", connection=connection)

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
        """The attempt failed: again after `delay_s` (None: the back-off), or to the dead letters.

        Returns whether there will be another attempt. Raises LeaseLost.
        """
        if permanent:
            await self.settle(event, "failed", error, connection=connection)
            return False
        if counts and event.attempt >= await self._max_attempts(event.subscription):
            await self.settle(event, "exhausted", error, connection=connection)
            return False
        await self.reopen(event, delay_s, error, refund=not counts, connection=connection)
        return True

    async def release(self, event: Event) -> None:
        """Give the event back as if it had not been claimed. Raises LeaseLost."""
        await self.reopen(event, 0.0, None, refund=True)

    async def extend(self, event: Event, lease_s: float | None = None) -> bool:
        """Prolong the lease, from now. Returns whether the event was asked to be cancelled. Raises LeaseLost."""
        async with self.connection() as own:
            row = await own.fetchrow(
                WORK_SQL["extend"], self.team, self.now(), [event.id], [event.token], lease_s
            )
        if row is None:
            raise LeaseLost.of(event.id)
        return bool(row["stop"])

    async def settle(
        self, event: Event, outcome: str, error: str | None = None, *, connection: Connection | None = None
    ) -> None:
        """Let a leased event leave: done, cancelled, failed or exhausted. Raises LeaseLost."""
        if outcome == "done" and event.ordering_key is None:
            await self._complete(event, connection)
            return
        if connection is not None and event.ordering_key is not None:
            await connection.execute(
                WORK_SQL["wait_for_lane"], self.team, event.subscription, event.ordering_key
            )
        await self.leave([(event.id, event.token, outcome, error)], connection=connection)

    async def _complete(self, event: Event, connection: Connection | None) -> None:
        """Let an event leave that is done and in no lane."""
        async for _ in _patiently():
            async with self.connection(connection) as own:
                rows = await own.fetch(WORK_SQL["complete"], self.team, self.now(), [event.id], [event.token])
            if not rows:
                return
            if rows[0]["verdict"] == "lost":
                raise LeaseLost.of(event.id)

    async def leave(
        self,
        leaving: Sequence[tuple[int, int | None, str, str | None]],
        *,
        only_overrun: bool = False,
        strict: bool = True,
        connection: Connection | None = None,
    ) -> set[int]:
        """Let events (id, token or None for unleased, outcome, error) leave; returns the ids that did.

        Waits for lanes that an enqueuing transaction holds. Raises LeaseLost when strict and one was not there.
        """
        pending = {entry[0]: entry for entry in leaving}
        done: set[int] = set()
        async for _ in _patiently():
            async with self.connection(connection) as own:
                rows = await own.fetch(
                    WORK_SQL["leave"], self.team, self.now(), *columns(pending.values(), 4), only_overrun,
                    *([None] * len(pending) for _ in range(3)),
                )  # fmt: skip
            lost = {row["id"] for row in rows if row["verdict"] == "lost"}
            busy = {row["id"] for row in rows if row["verdict"] == "busy"}
            if lost and strict:
                raise LeaseLost.of(min(lost))
            done |= pending.keys() - lost - busy
            pending = {at: pending[at] for at in busy}
            if not pending or only_overrun:
                break
        return done

    async def reopen(
        self,
        event: Event,
        delay_s: float | None,
        error: str | None,
        *,
        refund: bool = False,
        connection: Connection | None = None,
    ) -> None:
        """Give a leased event back. Raises LeaseLost."""
        entry = (event.id, event.token, delay_s, refund, error)
        async for _ in _patiently():
            async with self.connection(connection) as own:
                rows = await own.fetch(WORK_SQL["reopen"], self.team, self.now(), *columns([entry], 5), False)
            kinds = {row["kind"] for row in rows if row["id"] == event.id}
            if "lost" in kinds:
                raise LeaseLost.of(event.id)
            if "busy" not in kinds:
                return

    async def _max_attempts(self, subscription: str) -> int:
        async with self.connection() as own:
            return await own.fetchval(WORK_SQL["max_attempts"], self.team, subscription) or 1


async def _patiently() -> AsyncGenerator[None]:
    """Yields, ever more slowly, while somebody's transaction holds or moves a row. Raises Unavailable in the end."""
    waited, pause = 0.0, 0.002
    while waited < _PATIENCE_S:
        yield
        await asyncio.sleep(pause)
        waited, pause = waited + pause, min(pause * 2, 0.25)
    raise Unavailable("Another transaction on this event or its lane is taking too long.", retry_after_s=1.0)
