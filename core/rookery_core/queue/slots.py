"""The fixed pool that runs handlers: a buffer of claimed events before it, a verdict on each after it."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Literal, Protocol

from rookery_core import telemetry
from rookery_core.errors import unforeseen
from rookery_core.queue.attempt import Attempt
from rookery_core.queue.failures import EventCancelled, LeaseLost, PermanentFailure, RetryLater
from rookery_core.queue.model import Event, Subscription

if TYPE_CHECKING:
    from rookery_core.queue.queue import Queue

Handler = Callable[[Event, Attempt], Awaitable[None]]
"""Handles one event. Returning completes it; `PermanentFailure`, `RetryLater` or any other error does not."""

Reason = Literal["lost", "cancelled", "stopped"]

_log = telemetry.get_logger(__name__)
_AHEAD_S = 0.01  # how much work may wait in the buffer, so that no event is leased long before it is begun
_MOST_AHEAD = 800
_LONGEST_ERROR = 2_000


class Flight:
    """An event between its claim and its verdict."""

    __slots__ = ("attempt", "deadline", "event", "offered", "revoked", "task")

    def __init__(self, event: Event, attempt: Attempt, deadline: float) -> None:
        self.event = event
        self.attempt = attempt
        self.deadline = deadline  # of the lease, on this process's monotonic clock
        self.offered = 0.0
        self.task: asyncio.Task[None] | None = None
        self.revoked: Reason | None = None


class Verdicts(Protocol):
    """Who is told what became of an event."""

    def left(self, flight: Flight, outcome: str, error: str | None = None) -> None: ...
    def returned(
        self, flight: Flight, delay_s: float | None, error: str | None, *, refund: bool = False
    ) -> None: ...


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
                if not await self._fly(flight):
                    self._drop(run[at + 1 :])
                    break

    def _drop(self, rest: list[Flight]) -> None:
        """What was claimed behind an event that goes back goes back with it, in the same statement."""
        self._waiting -= len(rest)
        for flight in rest:
            self.flights.pop(flight.event.id, None)
        if not self.flights:
            self.changed.set()

    async def _fly(self, flight: Flight) -> bool:
        """Run one event and pass its verdict; returns whether those behind it may go on."""
        if flight.revoked is None:
            flight.task = asyncio.current_task()
            begun = time.perf_counter()
            try:
                await self._handle(flight)
            except asyncio.CancelledError as error:
                if flight.revoked is None:
                    raise
                assert flight.task is not None
                flight.task.uncancel()
                flight.task = None
                return self._judge(flight, error)
            except Exception as error:  # noqa: BLE001 (a handler may raise anything)
                flight.task = None
                return self._judge(flight, error)
            flight.task = None
            self._mean_s += 0.2 * (max(time.perf_counter() - begun, 1e-6) - self._mean_s)
            return self._judge(flight, None)
        return self._judge(flight, None)

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
        del self.flights[flight.event.id]
        self.completed += 1
        assert self.verdicts is not None
        goes_on = self._pass(flight, error, self.verdicts)
        if not self.flights:
            self.changed.set()
        return goes_on

    def _pass(self, flight: Flight, error: BaseException | None, verdicts: Verdicts) -> bool:
        """Tell what became of the event; a revoked one that settled nevertheless is settled."""
        if flight.attempt.settled:
            if error is not None:
                _log.warning("event %s was complete when its handler failed: %s", flight.event.id, error)
            verdicts.left(flight, "settled")
            return True
        if flight.revoked == "lost" or isinstance(error, LeaseLost):
            _log.warning("event %s was lost to another worker and stopped here", flight.event.id)
            return False
        if flight.revoked == "stopped":
            verdicts.returned(flight, 0.0, None, refund=True)
            return False
        if isinstance(error, EventCancelled) or (flight.revoked == "cancelled" and error is not None):
            verdicts.left(flight, "cancelled")
            return True
        if error is None and flight.revoked is None:
            verdicts.left(flight, "done")
            return True
        if error is None:  # cancelled before it began, or too late
            verdicts.left(flight, "cancelled")
            return True
        return self._fail(flight, error, verdicts)

    def _fail(self, flight: Flight, error: BaseException, verdicts: Verdicts) -> bool:
        event, policy = flight.event, self.policies[flight.event.subscription]
        text = describe(error)
        _log.warning(
            "event %s of %s failed in attempt %s: %s", event.id, event.subscription, event.attempt, text,
            exc_info=None if isinstance(error, PermanentFailure | RetryLater) else unforeseen(error),
        )  # fmt: skip
        counts = not isinstance(error, RetryLater) or error.counts
        if isinstance(error, PermanentFailure) or (counts and event.attempt >= policy.max_attempts):
            verdicts.left(flight, "failed" if isinstance(error, PermanentFailure) else "exhausted", text)
            return policy.on_dead == "continue"
        delay_s = error.delay_s if isinstance(error, RetryLater) else None
        verdicts.returned(flight, delay_s, text, refund=not counts)
        return False


def describe(error: BaseException) -> str:
    """An error as it is kept with the event: its kind and message, cut to a bearable length."""
    reason = (
        error.reason
        if isinstance(error, PermanentFailure | RetryLater)
        else f"{type(error).__name__}: {error}"
    )
    return reason.replace("\x00", "�")[:_LONGEST_ERROR]
