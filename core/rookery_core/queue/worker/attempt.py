"""The handler's view of the current attempt: lease, effects and completion."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from rookery_core.queue.errors import EventCancelled, LeaseLost

if TYPE_CHECKING:
    from rookery_core.database.connection import Connection
    from rookery_core.identity import Caller
    from rookery_core.queue.model import Effect, Event
    from rookery_core.queue.queue import Queue

FinishWithEffect = Callable[["Event", str, Any, Any], Awaitable[None]]
"""Completes an event with an effect: event, name, receipt, request."""


class Attempt:
    """One attempt at one event. `number` counts from 1; `last`: no attempt follows if this one fails."""

    __slots__ = ("_finish", "cancelled", "completed", "completing", "event", "last", "lost", "queue")

    def __init__(
        self, queue: Queue, event: Event, last: bool = False, finish: FinishWithEffect | None = None
    ) -> None:
        self.queue = queue
        self.event = event
        self.last = last
        self._finish = finish  # of the worker, which completes many events in one statement
        self.completing = False  # under way: a heartbeat that misses the event does not prove a lost lease
        self.completed = False
        self.cancelled = False
        self.lost = False

    @property
    def number(self) -> int:
        return self.event.attempt

    @asynccontextmanager
    async def transaction(self, caller: Caller | None = None) -> AsyncGenerator[Connection]:
        """A transaction whose commit also completes the event: both happen, or neither.

        End it as the last action of the handler. Raises LeaseLost at its end, and rolls back, when another claim has
        the event. caller: whose row security applies, as in `Database.transaction`.
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
            self.completed = True
        finally:
            self.completing = False

    async def _complete(self, connection: Connection) -> None:
        self.completing = True
        await self.queue.complete(self.event, connection=connection)

    async def finish(self, name: str, receipt: Any, request: Any = None) -> None:
        """Record the effect `name` with its receipt and complete the event, in one commit: the handler's last action.

        Raises LeaseLost when another claim has the event, Conflict when it already has an effect of that name.
        """
        self.completing = True
        try:
            if self._finish is None:
                await self.queue.effects.finish(self.event, name, receipt, request)
            else:
                await self._finish(self.event, name, receipt, request)
            self.completed = True
        finally:
            self.completing = False

    async def intend(self, name: str, request: Any = None) -> Effect:
        """Record that an effect is about to happen; see `rookery_core.queue.effects`. Raises LeaseLost."""
        return await self.queue.effects.intend(self.event, name, request)

    async def receipt(self, effect: Effect, receipt: Any) -> Effect:
        """Record what came back from the external system. Raises NotFound for an effect without an intent."""
        return await self.queue.effects.receipt(effect, receipt)

    async def extend(self, lease_s: float | None = None) -> None:
        """Extend the lease now; a worker also does so by itself. Raises LeaseLost and EventCancelled."""
        self.cancelled = await self.queue.extend(self.event, lease_s) or self.cancelled
        self.check()

    def check(self) -> None:
        """Raises EventCancelled or LeaseLost when the handler should stop."""
        if self.lost:
            raise LeaseLost.of(self.event.id)
        if self.cancelled:
            raise EventCancelled(f"Event {self.event.id} was cancelled.")
