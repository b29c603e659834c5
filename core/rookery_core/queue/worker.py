"""A worker: handlers run in a fixed number of slots, until told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import signal
import socket
from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Self

from rookery_core import garbage, telemetry
from rookery_core.errors import InvalidInput, NotFound
from rookery_core.queue.claimer import Claimer
from rookery_core.queue.flight import Flight
from rookery_core.queue.keeper import Keeper
from rookery_core.queue.settler import Settler
from rookery_core.queue.slots import Handler, Slots

if TYPE_CHECKING:
    from rookery_core.queue.queue import Queue

__all__ = ["Handler", "Worker"]

_log = telemetry.get_logger(__name__)
_RETENTION_S = 30 * 86_400.0


class Worker:
    """Runs the handlers of subscriptions, `concurrency` events at a time.

    `async with worker:` works until the block ends, `await worker.run()` until SIGTERM or SIGINT (or an event of
    your own). Either then drains: nothing more is claimed, what was claimed and not begun is given back, what
    runs has `grace_s` seconds to end and is then cancelled and given back. A second signal does so at once.

    timeout_s: how long one attempt may take; None for as long as it likes (its lease is prolonged all the while).
    poll_s: how often to look without having been woken. retention_s: the age at which history is deleted; None
    keeps it. Uses three connections of its own besides the pool.
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
            raise InvalidInput("A worker needs at least one handler.")
        if concurrency < 1:
            raise InvalidInput(f"concurrency {concurrency!r} is not at least 1.")
        self.id = f"{name or socket.gethostname()[:40]}-{secrets.token_hex(4)}"
        self._queue = queue
        self._names = sorted(handlers)
        self._poll_s = poll_s
        self._grace_s = grace_s
        self._retention_s = retention_s
        self._slots = Slots(queue, handlers, concurrency, timeout_s)
        self._claimer: Claimer | None = None
        self._keeper: Keeper | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._force = asyncio.Event()

    @property
    def completed(self) -> int:
        """How many events have had a verdict here, good or bad."""
        return self._slots.completed

    @property
    def flights(self) -> list[Flight]:
        """What is claimed here and has no verdict yet: running, or about to."""
        return list(self._slots.flights.values())

    @property
    def in_flight(self) -> int:
        """How many events are claimed here and have no verdict yet."""
        return len(self._slots.flights)

    async def start(self) -> None:
        """Begin to work. Raises NotFound when a subscription does not exist."""
        found = {policy.name: policy for policy in await self._queue.subscriptions(self._names)}
        if missing := [name for name in self._names if name not in found]:
            raise NotFound(
                f"No subscription {missing[0]!r}.", hint="Call Queue.subscribe before starting its worker."
            )
        self._slots.policies = found
        self._claimer = Claimer(self._queue, self._slots, self.id)
        self._slots.verdicts = self._claimer.settler
        self._keeper = Keeper(
            self._queue,
            self._slots,
            self._claimer,
            self.id,
            poll_s=self._poll_s,
            retention_s=self._retention_s,
        )
        await asyncio.gather(self._claimer.open(), self._claimer.settler.open())
        self._slots.start()
        self._tasks = [
            asyncio.create_task(self._claimer.run(), name="queue claimer"),
            asyncio.create_task(self._claimer.settler.run(), name="queue settler"),
            asyncio.create_task(self._keeper.run(), name="queue keeper"),
        ]
        await self._keeper.ready.wait()

    async def run(self, stop: asyncio.Event | None = None) -> None:
        """Work until `stop` is set, or without it until SIGTERM or SIGINT, then drain."""
        stopping = stop or asyncio.Event()
        garbage.freeze()
        with self._signals(stopping) if stop is None else contextlib.nullcontext():
            async with self:
                await stopping.wait()

    @contextlib.contextmanager
    def _signals(self, stopping: asyncio.Event) -> Generator[None]:
        def on_signal() -> None:
            (self._force if stopping.is_set() else stopping).set()

        loop = asyncio.get_running_loop()
        caught = [signal.SIGTERM, signal.SIGINT]
        for one in caught:
            loop.add_signal_handler(one, on_signal)
        try:
            yield
        finally:
            for one in caught:
                loop.remove_signal_handler(one)

    def force_stop(self) -> None:
        """Cut a drain short: cancel what runs and give it back."""
        self._force.set()

    async def drain(self, grace_s: float | None = None) -> None:
        """Stop claiming, let what runs end within the grace, give back the rest, settle everything, disconnect."""
        if self._claimer is None or self._keeper is None:
            return
        self._claimer.close()
        self._keeper.draining = True
        for flight in self._slots.take_back():
            self._claimer.settler.returned(flight, 0.0, None, refund=True)
        await self._wait_for_flights(self._grace_s if grace_s is None else grace_s)
        for flight in list(self._slots.flights.values()):
            self._slots.revoke(flight, "stopped")
        await self._wait_for_flights(5.0, forced=False)
        await self._close(self._claimer.settler, self._keeper)

    async def _wait_for_flights(self, seconds: float, *, forced: bool = True) -> None:
        """Until nothing is in flight, the time is over, or a forced stop is asked for."""
        deadline = asyncio.get_running_loop().time() + seconds
        while self._slots.flights and not (forced and self._force.is_set()):
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                return
            self._slots.changed.clear()
            waits = [asyncio.ensure_future(self._slots.changed.wait())]
            if forced:
                waits.append(asyncio.ensure_future(self._force.wait()))
            await asyncio.wait(waits, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                wait.cancel()

    async def _close(self, settler: Settler, keeper: Keeper) -> None:
        claiming, settling, _ = self._tasks
        try:
            async with asyncio.timeout(10):
                await asyncio.shield(claiming)  # what it still brings goes back
                settler.close()
                await asyncio.shield(settling)
        except TimeoutError:
            _log.warning("the database is away: what is not settled comes back when its lease runs out")
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._slots.stop()
        await keeper.sign_off()
        self._claimer = self._keeper = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.drain()
