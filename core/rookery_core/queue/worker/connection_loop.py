"""A loop that owns a database connection and reconnects after every failure."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

from rookery_core import telemetry
from rookery_core.database.failures import explain, is_lost_connection
from rookery_core.errors import unforeseen
from rookery_core.queue.queue import Queue

if TYPE_CHECKING:
    import asyncpg

logger = telemetry.get_logger(__name__)
_FIRST_PAUSE_S = 0.02
MAX_PAUSE_S = 2.0


class ConnectionLoop:
    """Waits for a signal, processes all work there is, and reconnects when the connection is lost.

    A subclass says whether there is work, processes one batch of it, and keeps the batch when that fails.
    """

    def __init__(self, queue: Queue, signal: asyncio.Event) -> None:
        self.queue = queue
        self.closing = False
        self._signal = signal
        self._connection: asyncpg.Connection[Any] | None = None
        self._prepared: dict[str, Any] = {}

    def has_work(self) -> bool:
        """Whether there is work."""
        raise NotImplementedError

    async def work(self) -> None:
        """Process one batch."""
        raise NotImplementedError

    def close(self) -> None:
        """End the loop when no work is left."""
        self.closing = True
        self._signal.set()

    async def open(self) -> None:
        """Connect before the first event, so that it does not wait. Raises Unavailable."""
        self._prepared.clear()
        self._connection = await self.queue.database.connect()
        await pin_plans(self._connection)

    async def fetch(self, statement: str, *values: Any) -> list[Any]:
        """The rows of a statement, which is prepared once on each connection."""
        prepared = self._prepared.get(statement)
        if prepared is None:
            assert self._connection is not None
            prepared = self._prepared[statement] = await self._connection.prepare(statement)
        return await prepared.fetch(*values)

    async def run(self) -> None:
        """Run until closed and out of work. No error ends the loop: it pauses and continues."""
        pause_s = _FIRST_PAUSE_S
        while self.has_work() or not self.closing:
            try:
                if self._connection is None or self._connection.is_closed():
                    await self.open()
                while self.has_work():
                    await self.work()
                    pause_s = _FIRST_PAUSE_S
                self._signal.clear()
                if not self.closing:
                    await self._signal.wait()
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001 (after any error the events must not be lost)
                self._report(error)
                await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))  # noqa: S311
                pause_s = min(pause_s * 2, MAX_PAUSE_S)
        if self._connection is not None:
            await self._connection.close(timeout=5)

    def _report(self, error: Exception) -> None:
        from asyncpg import PostgresError, ReadOnlySQLTransactionError

        # A server that became a standby stays one for this connection; a new one may reach the primary.
        lost = is_lost_connection(error) or isinstance(error, OSError | ReadOnlySQLTransactionError)
        explained = explain(error, connecting=lost) or error
        logger.warning(
            "queue: retrying after a database error: %s", explained, exc_info=unforeseen(explained)
        )
        if self._connection is not None and (lost or not isinstance(error, PostgresError)):
            self._connection.terminate()  # a driver that lost track of its connection never recovers it
            self._connection = None


async def pin_plans(connection: asyncpg.Connection[Any]) -> None:
    """Plan each statement once, by the indexes: estimates of tables that fill and empty in seconds are always wrong."""
    settings = ("enable_seqscan = off", "enable_hashjoin = off", "enable_mergejoin = off", "jit = off")
    planned_once = "plan_cache_mode = force_generic_plan"
    await connection.execute("; ".join(f"set {setting}" for setting in (*settings, planned_once)))
