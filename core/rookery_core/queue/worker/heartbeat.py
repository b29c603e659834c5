"""The heartbeat of a worker: it extends leases, listens for notifications, registers the worker, runs maintenance."""

from __future__ import annotations

import asyncio
import os
import random
import socket
import time
from typing import TYPE_CHECKING, Any

from rookery_core import sql, telemetry
from rookery_core.database.failures import explain, is_lost_connection
from rookery_core.maintenance import Interval, wait_until_due
from rookery_core.queue.base import PACKAGE
from rookery_core.queue.claims import CLAIMS_SQL
from rookery_core.queue.model import Subscription
from rookery_core.queue.notify import CHANNEL, Notification
from rookery_core.queue.queue import Queue
from rookery_core.queue.worker.completer import Completer
from rookery_core.queue.worker.executor import Slots
from rookery_core.queue.worker.maintenance import Maintenance
from rookery_core.queue.worker.signals import Signals

if TYPE_CHECKING:
    import asyncpg

logger = telemetry.get_logger(__name__)
_SQL = sql.load(PACKAGE, "sql/maintenance.sql")
_HEAD_START_S = 0.003  # of the first worker that a notification wakes: it usually claims everything before the others poll
_STEP_S = 0.001  # between two of the others
_SPREAD_S = 0.015  # over which all others poll, however many there are
_SILENT_S = 20.0  # without a heartbeat, after which a worker no longer counts as alive
_STALE_BUFFER_S = 1.0  # after which an event that was claimed and not started is released
_ANSWER_TIMEOUT_S = 15.0  # without an answer for so long the connection is dead, whatever the socket reports
_MAX_BEAT_S = 10.0


class Heartbeat:
    """Owns one connection of a worker: it listens on it, extends leases, registers and runs maintenance over it."""

    def __init__(
        self,
        queue: Queue,
        slots: Slots,
        policies: dict[str, Subscription],
        completer: Completer,
        maintenance: Maintenance,
        signals: Signals,
        worker_id: str,
    ) -> None:
        self._queue = queue
        self._slots = slots
        self._policies = policies
        self._completer = completer
        self._maintenance = maintenance
        self._signals = signals
        self._worker_id = worker_id
        self._topics = {policy.topic for policy in policies.values()}
        self._beat = Interval(self._beat_interval_s())
        self._registration = Interval(_SILENT_S / 4)
        self._rank, self._workers = 0, 1
        self.ready = asyncio.Event()

    async def run(self) -> None:
        """Run until cancelled. It reconnects after a lost connection; the next claim finds what was missed."""
        pause_s = 0.05
        while True:
            connection: asyncpg.Connection[Any] | None = None
            try:
                connection = await self._queue.database.connect()
                connection.add_termination_listener(self._on_termination)
                await connection.add_listener(CHANNEL, self._on_notification)
                self._signals.expect_events()
                while True:
                    await self._run_due(connection)
                    pause_s = 0.05
                    await wait_until_due(
                        self._signals.heartbeat, self._beat, self._registration, self._signals.maintenance
                    )
                    if connection.is_closed():
                        raise ConnectionResetError("the connection for notifications was closed")
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001 (after any error leases must be extended)
                self._report(error)
                self._revoke_overdue()
                await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))  # noqa: S311
                pause_s = min(pause_s * 2, 2.0)
            finally:
                if connection is not None:
                    connection.terminate()

    def _report(self, error: Exception) -> None:
        lost = is_lost_connection(error) or isinstance(error, OSError | TimeoutError)
        logger.warning(
            "queue heartbeat: retrying after a database error: %s", explain(error, connecting=lost) or error
        )

    async def _run_due(self, connection: asyncpg.Connection[Any]) -> None:
        for claimed in self._slots.empty_stale_buffer(_STALE_BUFFER_S):  # other workers may be idle
            self._completer.release(claimed, 0.0, None, consumes_attempt=False)
        async with asyncio.timeout(_ANSWER_TIMEOUT_S):
            if self._beat.is_due():
                await self._extend_leases(connection)
                self._beat.every_s = self._beat_interval_s()
                self._beat.restart()
            if self._registration.is_due():
                await self._register(connection)
                self._registration.restart()
            if self._signals.maintenance.take():
                await self._maintain(connection)
        self.ready.set()

    def _beat_interval_s(self) -> float:
        return min(_MAX_BEAT_S, *(policy.lease_s / 3 for policy in self._policies.values()))

    async def _extend_leases(self, connection: asyncpg.Connection[Any]) -> None:
        """Extend every lease in one statement; stop events that are lost or cancelled."""
        claimed_by_id = dict(self._slots.claimed)
        if not claimed_by_id:
            return
        sent_at = time.monotonic()
        tokens = [claimed.event.token for claimed in claimed_by_id.values()]
        rows = await connection.fetch(
            CLAIMS_SQL["extend_leases"],
            self._queue.team,
            self._queue.now(),
            list(claimed_by_id),
            tokens,
            None,
        )
        cancelled_by_id = {row["id"]: row["cancel_requested"] for row in rows}
        for event_id, claimed in claimed_by_id.items():
            attempt = claimed.attempt
            if self._slots.claimed.get(event_id) is not claimed or attempt.completing or attempt.completed:
                continue
            if event_id not in cancelled_by_id:
                self._slots.revoke(claimed, "lost")
            elif cancelled_by_id[event_id]:
                self._slots.revoke(claimed, "cancelled")
            else:
                claimed.deadline = sent_at + self._policies[claimed.event.subscription].lease_s

    def _revoke_overdue(self) -> None:
        """Stop events whose lease has ended. Without the database nobody knows whether another worker has them."""
        now = time.monotonic()
        for claimed in list(self._slots.claimed.values()):
            if now > claimed.deadline:
                self._slots.revoke(claimed, "lost")

    async def _register(self, connection: asyncpg.Connection[Any]) -> None:
        row = await connection.fetchrow(
            _SQL["register_worker"], self._queue.team, self._queue.now(), self._worker_id, socket.gethostname(),
            os.getpid(), list(self._policies), self._slots.concurrency, len(self._slots.claimed),
            "draining" if self._signals.draining else "running", _SILENT_S,
        )  # fmt: skip
        if row is not None:
            self._rank, self._workers = row["rank"], row["number"]
        policies = await self._queue.subscriptions(list(self._policies))
        if len(policies) == len(self._policies):
            self._policies.update((policy.name, policy) for policy in policies)

    async def _maintain(self, connection: asyncpg.Connection[Any]) -> None:
        topics, due_in_s = await self._maintenance.run_once(connection)
        if due_in_s is not None:
            self._signals.maintenance.bring_forward(max(due_in_s, 0.0) + 0.001)
        self._signals.expect_events()
        if others := topics - self._topics:
            await self._queue.notify(others)
        elif topics and not self._slots.room:
            await self._queue.notify(topics)

    def _on_termination(self, _connection: Any) -> None:
        self._signals.heartbeat.set()

    def _on_notification(self, _connection: Any, _pid: int, _channel: str, text: object) -> None:
        notification = Notification.parse(str(text))
        if (
            notification is None
            or notification.team != self._queue.team
            or notification.topic not in self._topics
        ):
            return
        if notification.delay_s > 0:
            self._signals.retry_in(notification.delay_s)
        if delay_s := poll_delay_s(notification.tie_break, self._rank, self._workers):
            asyncio.get_running_loop().call_later(delay_s, self._signals.expect_events)
        else:
            self._signals.expect_events()

    async def sign_off(self) -> None:
        """Remove this worker from the list; when the database is unreachable it disappears after a while."""
        try:
            async with self._queue.connection() as connection:
                await connection.execute(_SQL["delete_worker"], self._queue.team, self._worker_id)
        except Exception as error:  # noqa: BLE001 (maintenance removes a silent worker)
            logger.debug("queue: the worker could not sign off: %s", error)


def poll_delay_s(tie_break: int, rank: int, workers: int) -> float:
    """The seconds after which a worker polls when a notification wakes several: one at once, the others in turn."""
    behind = (rank - tie_break) % workers
    return behind and _HEAD_START_S + behind * min(_STEP_S, _SPREAD_S / workers)
