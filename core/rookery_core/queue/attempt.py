"""What a handler is given besides its event: transactions that include the completion, effects, the lease."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from rookery_core.queue.failures import EventCancelled, LeaseLost

if TYPE_CHECKING:
    from rookery_core.database import Connection
    from rookery_core.identity import Caller
    from rookery_core.queue.model import Effect, Event
    from rookery_core.queue.queue import Queue

Finish = Callable[["Event", str, Any, Any], Awaitable[None]]
"""Completes an event with the name, receipt and request of an effect."""


class Attempt:
    """One attempt at one event. `number` counts from 1; `last` says that no other follows."""

    __slots__ = ("_finish", "cancelled", "event", "last", "lost", "queue", "settled", "settling")

    def __init__(self, queue: Queue, event: Event, last: bool = False, finish: Finish | None = None) -> None:
        self.queue = queue
        self.event = event
        self.last = last
        self._finish = finish  # of the worker, which completes many at once
        self.settling = False  # the completion is under way: a heartbeat that misses the event proves nothing
        self.settled = False
        self.cancelled = False
        self.lost = False

    @property
    def number(self) -> int:
        return self.event.attempt

    @asynccontextmanager
    async def transaction(self, caller: Caller | None = None) -> AsyncGenerator[Connection]:
        """A transaction whose commit also completes the event: both happen, or neither.

        Leave it as the last thing the handler does. Raises LeaseLost at its end, and rolls back, when somebody
        else has the event by then. caller: for whom row security is to filter, as in `Database.transaction`.
        """
        database = self.queue.database
        try:
            if caller is not None:
                async with database.transaction(caller) as connection:
                    yield connection
                    await self._complete(connection)
            else:
                async with database.acquire() as connection, connection.transaction():
                    yield connection
                    await self._complete(connection)
            self.settled = True
        finally:
            self.settling = False

    async def _complete(self, connection: Connection) -> None:
        self.settling = True
        await self.queue.complete(self.event, connection=connection)

    async def finish(self, name: str, receipt: Any, request: Any = None) -> None:
        """Record the effect `name` with its receipt and complete the event, in one commit. Raises LeaseLost.

        Raises Conflict when the event already has an effect of that name. Leave it as the last thing done.
        """
        self.settling = True
        try:
            if self._finish is None:
                await self.queue.effects.finish(self.event, name, receipt, request)
            else:
                await self._finish(self.event, name, receipt, request)
            self.settled = True
        finally:
            self.settling = False

    async def intend(self, name: str, request: Any = None) -> Effect:
        """Record that an outside effect is about to happen; see `rookery_core.queue.effects`. Raises LeaseLost."""
        return await self.queue.effects.intend(self.event, name, request)

    async def receipt(self, effect: Effect, receipt: Any) -> Effect:
        """Record what came back from the world outside."""
        return await self.queue.effects.receipt(effect, receipt)

    async def extend(self, lease_s: float | None = None) -> None:
        """Prolong the lease at once; a worker does so by itself all the while. Raises as `check` does."""
        self.cancelled = await self.queue.extend(self.event, lease_s) or self.cancelled
        self.check()

    def check(self) -> None:
        """Raises EventCancelled or LeaseLost when there is no point in going on."""
        if self.lost:
            raise LeaseLost.of(self.event.id)
        if self.cancelled:
            raise EventCancelled(f"Event {self.event.id} was cancelled.")
