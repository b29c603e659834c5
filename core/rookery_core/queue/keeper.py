"""What keeps a worker honest: heartbeats, wake-ups, and the housekeeping that any worker does for all."""

from __future__ import annotations

import asyncio
import os
import random
import socket
import time
from typing import TYPE_CHECKING, Any

from rookery_core import sql, telemetry
from rookery_core.database.failures import explain, is_lost_connection
from rookery_core.queue.base import PACKAGE
from rookery_core.queue.housekeeping import Housekeeping
from rookery_core.queue.wakeup import CHANNEL, Hint
from rookery_core.queue.work import WORK_SQL

if TYPE_CHECKING:
    import asyncpg

    from rookery_core.queue.claimer import Claimer
    from rookery_core.queue.queue import Queue
    from rookery_core.queue.slots import Slots

_log = telemetry.get_logger(__name__)
_SQL = sql.load(PACKAGE, "tend.sql")
_HEAD_START_S = 0.003  # of the worker whose turn a hint is: most often it takes all before the others look
_STEP_S = 0.001  # between two others that look
_SPREAD_S = 0.015  # over which all others look, however many there are
_SILENT_S = 20.0  # after which a worker no longer counts as alive
_STALE_S = 1.0  # after which an event that was claimed and not begun is given back
_ANSWER_S = 15.0  # without an answer for so long the connection is dead, whatever the socket says


class Keeper:
    """One connection of a worker: it listens on it, and prolongs, registers and tends over it."""

    def __init__(
        self,
        queue: Queue,
        slots: Slots,
        claimer: Claimer,
        worker_id: str,
        *,
        poll_s: float,
        retention_s: float | None,
    ) -> None:
        self._queue = queue
        self._slots = slots
        self._claimer = claimer
        self._settler = claimer.settler
        self._worker_id = worker_id
        self._poll_s = poll_s
        self._topics = {policy.topic for policy in slots.policies.values()}
        self._housekeeping = Housekeeping(queue, retention_s)
        self._poked = asyncio.Event()
        self._beat_at = self._tend_at = self._register_at = 0.0
        self._rank, self._number = 0, 1
        self.draining = False
        self.ready = asyncio.Event()
        self._settler.on_retry_in = self.tend_in

    def tend_in(self, delay_s: float) -> None:
        """Something falls due in so many seconds."""
        self._tend_at = min(self._tend_at, time.monotonic() + delay_s + 0.001)
        self._poked.set()

    async def run(self) -> None:
        """Until cancelled. A lost connection is made anew; what was missed meanwhile the next claim finds."""
        pause = 0.05
        while True:
            line: asyncpg.Connection[Any] | None = None
            try:
                line = await self._queue.database.connect()
                line.add_termination_listener(self._on_termination)
                await line.add_listener(CHANNEL, self._on_notification)
                self._claimer.wake()
                while True:
                    await self._once(line)
                    pause = 0.05
                    await self._pause(line)
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001 (whatever it is, leases must go on)
                self._report(error)
                self._give_up_overdue()
                await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311
                pause = min(pause * 2, 2.0)
            finally:
                if line is not None:
                    line.terminate()

    def _report(self, error: Exception) -> None:
        lost = is_lost_connection(error) or isinstance(error, OSError | TimeoutError)
        _log.warning("the queue's keeper waits: %s", explain(error, connecting=lost) or error)

    async def _pause(self, line: asyncpg.Connection[Any]) -> None:
        delay = min(self._beat_at, self._tend_at, self._register_at) - time.monotonic()
        if delay > 0:
            try:
                async with asyncio.timeout(delay):
                    await self._poked.wait()
            except TimeoutError:
                pass
        self._poked.clear()
        if line.is_closed():
            raise ConnectionResetError("the connection for wake-ups was closed")

    async def _once(self, line: asyncpg.Connection[Any]) -> None:
        for flight in self._slots.take_back_stale(_STALE_S):  # others may be idle
            self._settler.returned(flight, 0.0, None, refund=True)
        async with asyncio.timeout(_ANSWER_S):
            now = time.monotonic()
            if now >= self._beat_at:
                await self._beat(line)
                self._beat_at = now + self._between_beats()
            if now >= self._register_at:
                await self._register(line)
                self._register_at = now + _SILENT_S / 4
            if now >= self._tend_at:
                self._tend_at = now + self._poll_s * random.uniform(0.8, 1.2)  # noqa: S311
                await self._tend(line)
        self.ready.set()

    def _between_beats(self) -> float:
        return min(10.0, *(policy.lease_s / 3 for policy in self._slots.policies.values()))

    async def _beat(self, line: asyncpg.Connection[Any]) -> None:
        """Prolong every lease at once; stop what is lost or was asked to stop."""
        flights = dict(self._slots.flights)
        if not flights:
            return
        asked = time.monotonic()
        tokens = [flight.event.token for flight in flights.values()]
        rows = await line.fetch(
            WORK_SQL["extend"], self._queue.team, self._queue.now(), list(flights), tokens, None
        )
        held = {row["id"]: row["stop"] for row in rows}
        for event_id, flight in flights.items():
            if (
                self._slots.flights.get(event_id) is not flight
                or flight.attempt.settling
                or flight.attempt.settled
            ):
                continue
            if event_id not in held:
                self._slots.revoke(flight, "lost")
            elif held[event_id]:
                self._slots.revoke(flight, "cancelled")
            else:
                flight.deadline = asked + self._slots.policies[flight.event.subscription].lease_s

    def _give_up_overdue(self) -> None:
        """Without the database nobody says whose a lease is: past its end it counts as somebody else's."""
        now = time.monotonic()
        for flight in list(self._slots.flights.values()):
            if now > flight.deadline:
                self._slots.revoke(flight, "lost")

    async def _register(self, line: asyncpg.Connection[Any]) -> None:
        row = await line.fetchrow(
            _SQL["register_worker"], self._queue.team, self._queue.now(), self._worker_id, socket.gethostname(),
            os.getpid(), list(self._slots.policies), self._slots.concurrency, len(self._slots.flights),
            "draining" if self.draining else "running", _SILENT_S,
        )  # fmt: skip
        if row is not None:
            self._rank, self._number = row["rank"], row["number"]
        policies = await self._queue.subscriptions(list(self._slots.policies))
        if len(policies) == len(self._slots.policies):
            self._slots.policies = {policy.name: policy for policy in policies}

    async def _tend(self, line: asyncpg.Connection[Any]) -> None:
        promoted, due_in = await self._housekeeping.tend(line)
        if due_in is not None and due_in < self._poll_s:
            self._tend_at = min(self._tend_at, time.monotonic() + max(due_in, 0.0) + 0.001)
        self._claimer.wake()
        if elsewhere := promoted - self._topics:
            await self._queue.wake(elsewhere)
        elif promoted and not self._slots.room:
            await self._queue.wake(promoted)

    def _on_termination(self, _line: Any) -> None:
        self._poked.set()

    def _on_notification(self, _line: Any, _pid: int, _channel: str, text: object) -> None:
        hint = Hint.parse(str(text))
        if hint is None or hint.team != self._queue.team or hint.topic not in self._topics:
            return
        if hint.delay_s > 0:
            self.tend_in(hint.delay_s)
        if delay := wait_for_turn(hint.lot, self._rank, self._number):
            asyncio.get_running_loop().call_later(delay, self._claimer.wake)
        else:
            self._claimer.wake()

    async def sign_off(self) -> None:
        """Take this worker off the list; leave it to time when the database is away."""
        try:
            async with self._queue.connection() as own:
                await own.execute(_SQL["forget_worker"], self._queue.team, self._worker_id)
        except Exception as error:  # noqa: BLE001 (it falls silent anyway)
            _log.debug("could not sign off: %s", error)


def wait_for_turn(lot: int, rank: int, number: int) -> float:
    """The seconds after which a worker looks, of a number that a hint woke: one at once, the others one by one."""
    behind = (rank - lot) % number
    return behind and _HEAD_START_S + behind * min(_STEP_S, _SPREAD_S / number)
