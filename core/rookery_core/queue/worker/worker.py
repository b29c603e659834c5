"""A worker: runs the handlers of subscriptions in a fixed number of slots until it is stopped."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import signal
import socket
from collections.abc import Generator, Mapping
from typing import Self

from rookery_core import garbage_collection, telemetry
from rookery_core.errors import InvalidInput, NotFound
from rookery_core.queue.model import Subscription
from rookery_core.queue.queue import Queue
from rookery_core.queue.worker.completer import Completer
from rookery_core.queue.worker.executor import ClaimedEvent, Executor, Handler, Slots
from rookery_core.queue.worker.fetcher import Fetcher
from rookery_core.queue.worker.heartbeat import Heartbeat
from rookery_core.queue.worker.low_water_marks import LowWaterMarks
from rookery_core.queue.worker.maintenance import Maintenance
from rookery_core.queue.worker.signals import Signals

logger = telemetry.get_logger(__name__)
_RETENTION_S = 30 * 86_400.0


class Worker:
    """Runs the handlers of subscriptions, `concurrency` events at a time.

    `async with worker:` works until the block ends, `await worker.run()` until SIGTERM or SIGINT (or an event that you
    pass). Either then drains: nothing more is claimed, events that were not started are released, running ones have
    `grace_s` seconds to end and are then cancelled and released. A second signal cancels them at once.

    timeout_s: the time limit of one attempt; None for no limit (its lease is extended while it runs). poll_s: how often
    to poll without a notification. retention_s: the age at which history is deleted; None keeps it. Uses three
    connections besides the pool.
    """

    def __init__(
        self,
        queue: Queue,
        handlers: Mapping[str, Handler],
        *,
        concurrency: int = 10,
        timeout_s: float | None = None,
        poll_s: float = 1.0,
        grace_s: float = 30.0,
        retention_s: float | None = _RETENTION_S,
        name: str | None = None,
    ) -> None:
        if not handlers:
            raise InvalidInput("handlers must have at least one handler.")
        if concurrency < 1:
            raise InvalidInput(f"concurrency must be at least 1, not {concurrency!r}.")
        self.id = f"{name or socket.gethostname()[:40]}-{secrets.token_hex(4)}"
        self._queue = queue
        self._handlers = handlers
        self._timeout_s = timeout_s
        self._poll_s = poll_s
        self._grace_s = grace_s
        self._retention_s = retention_s
        self._slots = Slots(concurrency)
        self._force = asyncio.Event()
        self._running: _RunningWorker | None = None

    @property
    def completed(self) -> int:
        """How many events have had an outcome here, good or bad."""
        return self._slots.completed

    @property
    def claimed(self) -> list[ClaimedEvent]:
        """The events claimed here that have no outcome yet: running, or about to run."""
        return list(self._slots.claimed.values())

    @property
    def in_flight(self) -> int:
        """How many events claimed here have no outcome yet."""
        return len(self._slots.claimed)

    async def start(self) -> None:
        """Start to work. Raises NotFound when a subscription does not exist."""
        names = sorted(self._handlers)
        policies = {policy.name: policy for policy in await self._queue.subscriptions(names)}
        if missing := [name for name in names if name not in policies]:
            raise NotFound(
                f"No subscription {missing[0]!r}.", hint="Call Queue.subscribe before starting its worker."
            )
        maintenance = Maintenance(self._queue, self._retention_s)
        signals = Signals(self._slots, self._poll_s)
        self._running = _RunningWorker(
            self._queue, self._slots, policies, self._handlers, self._timeout_s, maintenance, signals, self.id
        )
        await self._running.start()

    async def run(self, stop: asyncio.Event | None = None) -> None:
        """Work until `stop` is set, or without it until SIGTERM or SIGINT, then drain. Raises as `start` does."""
        stopping = stop or asyncio.Event()
        garbage_collection.freeze()
        with self._catch_signals(stopping) if stop is None else contextlib.nullcontext():
            async with self:
                await stopping.wait()

    @contextlib.contextmanager
    def _catch_signals(self, stopping: asyncio.Event) -> Generator[None]:
        def on_signal() -> None:
            (self._force if stopping.is_set() else stopping).set()

        loop = asyncio.get_running_loop()
        caught = [signal.SIGTERM, signal.SIGINT]
        for number in caught:
            loop.add_signal_handler(number, on_signal)
        try:
            yield
        finally:
            for number in caught:
                loop.remove_signal_handler(number)

    def force_stop(self) -> None:
        """Cut a drain short: cancel and release what runs."""
        self._force.set()

    async def drain(self, grace_s: float | None = None) -> None:
        """Stop claiming, let running events end within the grace period, release the rest, disconnect."""
        if self._running is None:
            return
        self._running.stop_claiming()
        await self._wait_for_slots(self._grace_s if grace_s is None else grace_s)
        for claimed in self.claimed:
            self._slots.revoke(claimed, "stopped")
        await self._wait_for_slots(5.0, forced=False)
        await self._running.close()
        self._running = None

    async def _wait_for_slots(self, seconds: float, *, forced: bool = True) -> None:
        """Wait until nothing is claimed, the time is over, or a forced stop is requested."""
        deadline = asyncio.get_running_loop().time() + seconds
        while self._slots.claimed and not (forced and self._force.is_set()):
            remaining_s = deadline - asyncio.get_running_loop().time()
            if remaining_s <= 0:
                return
            self._slots.emptied.clear()
            waits = [asyncio.ensure_future(self._slots.emptied.wait())]
            if forced:
                waits.append(asyncio.ensure_future(self._force.wait()))
            await asyncio.wait(waits, timeout=remaining_s, return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                wait.cancel()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.drain()


class _RunningWorker:
    """The parts of a worker between its start and its end."""

    def __init__(
        self,
        queue: Queue,
        slots: Slots,
        policies: dict[str, Subscription],
        handlers: Mapping[str, Handler],
        timeout_s: float | None,
        maintenance: Maintenance,
        signals: Signals,
        worker_id: str,
    ) -> None:
        marks = LowWaterMarks(policies)
        self._slots = slots
        self._completer = Completer(queue, policies, marks, signals)
        self._executor = Executor(slots, handlers, policies, self._completer, timeout_s)
        self._fetcher = Fetcher(queue, slots, policies, self._completer, marks, signals, worker_id)
        self._heartbeat = Heartbeat(queue, slots, policies, self._completer, maintenance, signals, worker_id)
        self._fetching: asyncio.Task[None] | None = None
        self._completing: asyncio.Task[None] | None = None
        self._beating: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Connect, then run until the first heartbeat. Raises Unavailable."""
        await asyncio.gather(self._fetcher.open(), self._completer.open())
        self._executor.start()
        self._fetching = asyncio.create_task(self._fetcher.run(), name="queue fetcher")
        self._completing = asyncio.create_task(self._completer.run(), name="queue completer")
        self._beating = asyncio.create_task(self._heartbeat.run(), name="queue heartbeat")
        await self._heartbeat.ready.wait()

    def stop_claiming(self) -> None:
        """Claim nothing more and release what was not started."""
        self._fetcher.close()
        for claimed in self._slots.empty_buffer():
            self._completer.release(claimed, 0.0, None, consumes_attempt=False)

    async def close(self) -> None:
        """Write the last outcomes and disconnect."""
        assert self._fetching is not None and self._completing is not None and self._beating is not None
        try:
            async with asyncio.timeout(10):
                await asyncio.shield(self._fetching)  # events that it still claims are released
                self._completer.close()
                await asyncio.shield(self._completing)
        except TimeoutError:
            logger.warning(
                "queue: the database is unreachable; unfinished events return when their leases expire"
            )
        tasks = [self._fetching, self._completing, self._beating]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._executor.stop()
        await self._heartbeat.sign_off()
