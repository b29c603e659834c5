"""The fixed pool that runs handlers: a buffer of claimed events before it, a verdict on each after it."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from rookery_core import telemetry
from rookery_core.queue.attempt import Attempt
from rookery_core.queue.flight import Flight, Reason
from rookery_core.queue.model import Event, Subscription
from rookery_core.queue.verdicts import Verdicts, judge

if TYPE_CHECKING:
    from rookery_core.queue.queue import Queue

Handler = Callable[[Event, Attempt], Awaitable[None]]
"""Handles one event. Returning completes it; `PermanentFailure`, `RetryLater` or any other error does not."""

_AHEAD_S = 0.01  # how much work may wait in the buffer, so that no event is leased long before it is begun
_MOST_AHEAD = 800


class Slots:
    """`concurrency` tasks that run handlers; what shares an ordering key runs in one of them, in order."""

    def __init__(
        self, queue: Queue, handlers: Mapping[str, Handler], concurrency: int, timeout_s: float | None
    ) -> None:
        self._queue = queue
        self._handlers = handlers
        self._timeout_s = timeout_s
        self.concurrency = concurrency
        self.flights: dict[int, Flight] = {}
        self.policies: Mapping[str, Subscription] = {}
        self.verdicts: Verdicts | None = None
        self.completed = 0
        self.changed = asyncio.Event()  # set when nothing is in flight any more
        self._runs: deque[list[Flight]] = deque()
        self._waiting = 0  # flights in the buffer
        self._free: deque[asyncio.Future[None]] = deque()
        self._tasks: list[asyncio.Task[None]] = []
        self._mean_s = 1.0  # of a handler, weighted to the latest; begins as if slow

    def start(self) -> None:
        """Begin to run what is offered. Needs a running event loop."""
        self._tasks = [
            asyncio.create_task(self._slot(), name=f"queue slot {n}") for n in range(self.concurrency)
        ]

    @property
    def ahead(self) -> int:
        """How many events may wait in the buffer: what the handlers get through in a moment."""
        return min(_MOST_AHEAD, int(self.concurrency * _AHEAD_S / self._mean_s))

    @property
    def follow(self) -> int:
        """How many events of one ordering key may be claimed behind their head."""
        return min(24, int(_AHEAD_S / self._mean_s))

    @property
    def free(self) -> int:
        """How many events would begin at once."""
        return max(0, self.concurrency - len(self.flights))

    @property
    def room(self) -> int:
        """How many more events to claim; 0 while enough wait."""
        if self._waiting > self.ahead // 2:
            return 0
        return max(0, self.concurrency + self.ahead - len(self.flights))

    def offer(self, run: list[Flight]) -> None:
        """Run these one after the other as soon as a slot is free."""
        now = time.monotonic()
        for flight in run:
            flight.offered = now
            self.flights[flight.event.id] = flight
        self._waiting += len(run)
        self._runs.append(run)
        while self._free:
            waiter = self._free.popleft()
            if not waiter.done():
                waiter.set_result(None)
                break

    def revoke(self, flight: Flight, reason: Reason) -> None:
        """Stop an event: its handler is cancelled, or never begun."""
        if flight.revoked is None:
            flight.revoked = reason
            flight.attempt.lost = reason == "lost"
            flight.attempt.cancelled = reason == "cancelled"
            if flight.task is not None:
                flight.task.cancel()

    def take_back(self) -> list[Flight]:
        """Empty the buffer; returns what was not begun."""
        unbegun = [flight for run in self._runs for flight in run]
        self._runs.clear()
        self._waiting -= len(unbegun)
        for flight in unbegun:
            self.flights.pop(flight.event.id, None)
        return unbegun

    def take_back_stale(self, seconds: float) -> list[Flight]:
        """Empty the buffer when its first event has waited for so long: the handlers have become slow."""
        if not self._runs or time.monotonic() - self._runs[0][0].offered < seconds:
            return []
        self._mean_s = 1.0
        return self.take_back()

    async def stop(self) -> None:
        """End the slots. Whatever still runs is given back first, by `revoke`."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _slot(self) -> None:
        while True:
            while not self._runs:
                waiter = asyncio.get_running_loop().create_future()
                self._free.append(waiter)
                await waiter
            run = self._runs.popleft()
            for at, flight in enumerate(run):
                self._waiting -= 1
                if not self._judge(flight, await self._run(flight)):
                    self._drop(run[at + 1 :])
                    break

    def _drop(self, rest: list[Flight]) -> None:
        """What was claimed behind an event that goes back goes back with it, in the same statement."""
        self._waiting -= len(rest)
        for flight in rest:
            self.flights.pop(flight.event.id, None)
        if not self.flights:
            self.changed.set()

    async def _run(self, flight: Flight) -> BaseException | None:
        """Run an event's handler, unless it was revoked meanwhile; what it raised, if anything."""
        if flight.revoked is not None:
            return None
        task = flight.task = asyncio.current_task()
        begun = time.perf_counter()
        try:
            await self._handle(flight)
        except asyncio.CancelledError as error:
            if flight.revoked is None:
                raise
            assert task is not None
            task.uncancel()
            return error
        except Exception as error:  # noqa: BLE001 (a handler may raise anything)
            return error
        finally:
            flight.task = None
        self._mean_s += 0.2 * (max(time.perf_counter() - begun, 1e-6) - self._mean_s)
        return None

    async def _handle(self, flight: Flight) -> None:
        event = flight.event
        handler = self._handlers[event.subscription]
        if event.trace_id is None and self._timeout_s is None:
            await handler(event, flight.attempt)
            return
        with telemetry.tracing(event.trace_id):
            async with asyncio.timeout(self._timeout_s):
                await handler(event, flight.attempt)

    def _judge(self, flight: Flight, error: BaseException | None) -> bool:
        """Pass the verdict; whether those behind the event may go on."""
        del self.flights[flight.event.id]
        self.completed += 1
        assert self.verdicts is not None
        goes_on = judge(flight, error, self.policies[flight.event.subscription], self.verdicts)
        if not self.flights:
            self.changed.set()
        return goes_on
