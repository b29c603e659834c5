"""Runs handlers in a fixed number of slots: a buffer of claimed events before them, an outcome for each event after."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Literal, Protocol

from rookery_core import telemetry
from rookery_core.errors import unforeseen
from rookery_core.queue.errors import EventCancelled, LeaseLost, PermanentFailure, RetryLater
from rookery_core.queue.model import Event, Subscription
from rookery_core.queue.worker.attempt import Attempt

logger = telemetry.get_logger(__name__)

Handler = Callable[[Event, Attempt], Awaitable[None]]
"""Handles one event. Returning completes it; `PermanentFailure`, `RetryLater` or any other error does not."""

Policies = Mapping[str, Subscription]
"""The subscriptions of a worker by name."""

RevokeReason = Literal["lost", "cancelled", "stopped"]
"""Why an event is stopped: its lease is lost, an operator cancelled it, or the worker ends."""

_BUFFER_S = 0.01  # of work that may wait in the buffer, so that no event is leased long before it starts
MAX_BUFFERED = 800
MAX_FOLLOWERS = 24
MAX_ERROR_LENGTH = 2_000


class ClaimedEvent:
    """An event from its claim to its outcome.

    deadline: the end of the lease on this process's monotonic clock. task: runs its handler now. revoked: why it has to
    stop, if it has.
    """

    __slots__ = ("attempt", "buffered_at", "deadline", "event", "revoked", "task")

    def __init__(self, event: Event, attempt: Attempt, deadline: float) -> None:
        self.event = event
        self.attempt = attempt
        self.deadline = deadline
        self.buffered_at = 0.0
        self.task: asyncio.Task[None] | None = None
        self.revoked: RevokeReason | None = None


class Outcomes(Protocol):
    """Receives the outcome of each event."""

    def finish(self, claimed: ClaimedEvent, outcome: str, error: str | None = None) -> None:
        """It leaves the queue; `committed`: a transaction of its handler has completed it."""
        ...

    def release(
        self,
        claimed: ClaimedEvent,
        delay_s: float | None,
        error: str | None,
        *,
        consumes_attempt: bool = True,
    ) -> None:
        """It returns to the queue after delay_s (None: the backoff)."""
        ...


class Slots:
    """The events claimed by a worker: those that run and those in the buffer. Events of one ordering key stay in order."""

    def __init__(self, concurrency: int) -> None:
        self.concurrency = concurrency
        self.claimed: dict[int, ClaimedEvent] = {}
        self.completed = 0
        self.emptied = asyncio.Event()  # set when nothing is claimed any more
        self._buffer: deque[list[ClaimedEvent]] = deque()
        self._buffered = 0
        self._idle: deque[asyncio.Future[None]] = deque()
        self._mean_s = 1.0  # of a handler, weighted to the latest; starts as if slow

    @property
    def buffer_size(self) -> int:
        """How many events may wait in the buffer: what the handlers complete in _BUFFER_S."""
        return min(MAX_BUFFERED, int(self.concurrency * _BUFFER_S / self._mean_s))

    @property
    def max_followers(self) -> int:
        """How many events of one ordering key may be claimed behind their head."""
        return min(MAX_FOLLOWERS, int(_BUFFER_S / self._mean_s))

    @property
    def free(self) -> int:
        """How many events would start at once."""
        return max(0, self.concurrency - len(self.claimed))

    @property
    def room(self) -> int:
        """How many more events to claim; 0 while enough wait in the buffer."""
        if self._buffered > self.buffer_size // 2:
            return 0
        return max(0, self.concurrency + self.buffer_size - len(self.claimed))

    def offer(self, sequence: list[ClaimedEvent]) -> None:
        """Run these one after the other as soon as a slot is free."""
        now = time.monotonic()
        for claimed in sequence:
            claimed.buffered_at = now
            self.claimed[claimed.event.id] = claimed
        self._buffered += len(sequence)
        self._buffer.append(sequence)
        while self._idle:
            waiter = self._idle.popleft()
            if not waiter.done():
                waiter.set_result(None)
                break

    async def take(self) -> list[ClaimedEvent]:
        """The next events to run, in order; waits for them."""
        while not self._buffer:
            waiter = asyncio.get_running_loop().create_future()
            self._idle.append(waiter)
            await waiter
        return self._buffer.popleft()

    def start(self) -> None:
        """Count an event as running: it has left the buffer."""
        self._buffered -= 1

    def remove(self, claimed: ClaimedEvent) -> None:
        """Count an event as completed: it has an outcome."""
        del self.claimed[claimed.event.id]
        self.completed += 1
        if not self.claimed:
            self.emptied.set()

    def drop(self, followers: list[ClaimedEvent]) -> None:
        """Forget events claimed behind one that is released: the same statement releases them."""
        self._buffered -= len(followers)
        for claimed in followers:
            self.claimed.pop(claimed.event.id, None)
        if not self.claimed:
            self.emptied.set()

    def record_duration(self, seconds: float) -> None:
        """Include the duration of a handler in the mean."""
        self._mean_s += 0.2 * (max(seconds, 1e-6) - self._mean_s)

    def revoke(self, claimed: ClaimedEvent, reason: RevokeReason) -> None:
        """Stop an event: its handler is cancelled, or never started."""
        if claimed.revoked is None:
            claimed.revoked = reason
            claimed.attempt.lost = reason == "lost"
            claimed.attempt.cancelled = reason == "cancelled"
            if claimed.task is not None:
                claimed.task.cancel()

    def empty_buffer(self) -> list[ClaimedEvent]:
        """Empty the buffer; returns the events that were not started."""
        not_started = [claimed for sequence in self._buffer for claimed in sequence]
        self._buffer.clear()
        self._buffered -= len(not_started)
        for claimed in not_started:
            self.claimed.pop(claimed.event.id, None)
        return not_started

    def empty_stale_buffer(self, seconds: float) -> list[ClaimedEvent]:
        """Empty the buffer when its first event has waited for so long: the handlers have become slow."""
        if not self._buffer or time.monotonic() - self._buffer[0][0].buffered_at < seconds:
            return []
        self._mean_s = 1.0
        return self.empty_buffer()


class Executor:
    """Runs handlers, one task for each slot, and passes their outcomes on."""

    def __init__(
        self,
        slots: Slots,
        handlers: Mapping[str, Handler],
        policies: Policies,
        outcomes: Outcomes,
        timeout_s: float | None,
    ) -> None:
        self._slots = slots
        self._handlers = handlers
        self._policies = policies
        self._outcomes = outcomes
        self._timeout_s = timeout_s
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Start the slots. Needs a running event loop."""
        self._tasks = [
            asyncio.create_task(self._run_slot(), name=f"queue slot {n}")
            for n in range(self._slots.concurrency)
        ]

    async def stop(self) -> None:
        """End the slots. Events that still run must be revoked before."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run_slot(self) -> None:
        slots = self._slots
        while True:
            sequence = await slots.take()
            for position, claimed in enumerate(sequence):
                slots.start()
                error = await self._run_handler(claimed)
                slots.remove(claimed)
                policy = self._policies[claimed.event.subscription]
                if not pass_outcome(claimed, error, policy, self._outcomes):
                    slots.drop(sequence[position + 1 :])
                    break

    async def _run_handler(self, claimed: ClaimedEvent) -> BaseException | None:
        """Run an event's handler unless the event was revoked; returns what the handler raised, if anything."""
        if claimed.revoked is not None:
            return None
        task = claimed.task = asyncio.current_task()
        started = time.perf_counter()
        try:
            await self._call_handler(claimed)
        except asyncio.CancelledError as error:
            if claimed.revoked is None:
                raise
            assert task is not None
            task.uncancel()
            return error
        except Exception as error:  # noqa: BLE001 (a handler may raise anything)
            return error
        finally:
            claimed.task = None
        self._slots.record_duration(time.perf_counter() - started)
        return None

    async def _call_handler(self, claimed: ClaimedEvent) -> None:
        event = claimed.event
        handler = self._handlers[event.subscription]
        if event.trace_id is None and self._timeout_s is None:
            await handler(event, claimed.attempt)
            return
        with telemetry.tracing(event.trace_id):
            async with asyncio.timeout(self._timeout_s):
                await handler(event, claimed.attempt)


def pass_outcome(
    claimed: ClaimedEvent, error: BaseException | None, policy: Subscription, outcomes: Outcomes
) -> bool:
    """Decide the outcome of an event and pass it on; returns whether the events behind it in its lane may run.

    error: what its handler raised, if anything. A revoked event that its handler completed is complete.
    """
    event_id = claimed.event.id
    if claimed.attempt.completed:
        if error is not None:
            logger.warning("event %s: the handler failed after it completed the event: %s", event_id, error)
        outcomes.finish(claimed, "committed")
        return True
    if claimed.revoked == "lost" or isinstance(error, LeaseLost):
        logger.warning("event %s: stopped, its lease was lost", event_id)
        return False
    if claimed.revoked == "stopped":
        outcomes.release(claimed, 0.0, None, consumes_attempt=False)
        return False
    if error is None and claimed.revoked is None:
        outcomes.finish(claimed, "done")
        return True
    if claimed.revoked == "cancelled" or isinstance(error, EventCancelled):
        outcomes.finish(claimed, "cancelled")
        return True
    assert error is not None
    return _pass_failure(claimed, error, policy, outcomes)


def _pass_failure(
    claimed: ClaimedEvent, error: BaseException, policy: Subscription, outcomes: Outcomes
) -> bool:
    event, text = claimed.event, _describe(error)
    logger.warning(
        "event %s of %s: attempt %s failed: %s", event.id, event.subscription, event.attempt, text,
        exc_info=None if isinstance(error, PermanentFailure | RetryLater) else unforeseen(error),
    )  # fmt: skip
    consumes_attempt = not isinstance(error, RetryLater) or error.counts
    if isinstance(error, PermanentFailure) or (consumes_attempt and event.attempt >= policy.max_attempts):
        outcomes.finish(claimed, "failed" if isinstance(error, PermanentFailure) else "exhausted", text)
        return policy.on_dead == "continue"
    delay_s = error.delay_s if isinstance(error, RetryLater) else None
    outcomes.release(claimed, delay_s, text, consumes_attempt=consumes_attempt)
    return False


def _describe(error: BaseException) -> str:
    """The text of an error as it is stored with the event: kind and message, cut to MAX_ERROR_LENGTH."""
    reason = (
        error.reason
        if isinstance(error, PermanentFailure | RetryLater)
        else f"{type(error).__name__}: {error}"
    )
    return reason.replace("\x00", "�")[:MAX_ERROR_LENGTH]
