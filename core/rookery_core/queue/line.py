"""A loop with a database connection of its own, which outlives every failure of it."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

from rookery_core import telemetry
from rookery_core.database.failures import explain, is_lost_connection
from rookery_core.errors import unforeseen

if TYPE_CHECKING:
    import asyncpg

    from rookery_core.queue.queue import Queue

_log = telemetry.get_logger(__name__)
_FIRST_PAUSE_S = 0.02
_LONGEST_PAUSE_S = 2.0


class Line:
    """Waits until there is something to do, does it, and connects anew when the connection was lost.

    A subclass says what there is to do, does it, and keeps what it was about when it fails.
    """

    def __init__(self, queue: Queue) -> None:
        self.queue = queue
        self.closing = False
        self._signal = asyncio.Event()
        self._connection: asyncpg.Connection[Any] | None = None
        self._prepared: dict[str, Any] = {}

    def has_work(self) -> bool:
        """Whether there is something to do."""
        raise NotImplementedError

    async def work(self) -> None:
        """Do some of it."""
        raise NotImplementedError

    def look(self) -> None:
        """Look again whether there is something to do."""
        self._signal.set()

    def close(self) -> None:
        """End the loop once there is nothing left to do."""
        self.closing = True
        self.look()

    async def open(self) -> None:
        """Connect, so that the first event waits for nothing."""
        self._prepared.clear()
        self._connection = await self.queue.database.connect()
        await settle_plans(self._connection)

    async def fetch(self, statement: str, *values: Any) -> list[Any]:
        """The rows of a statement, prepared once on each connection."""
        prepared = self._prepared.get(statement)
        if prepared is None:
            assert self._connection is not None
            prepared = self._prepared[statement] = await self._connection.prepare(statement)
        return await prepared.fetch(*values)

    async def run(self) -> None:
        """Until closed and done. Never ends for an error: it waits and goes on."""
        pause = _FIRST_PAUSE_S
        while self.has_work() or not self.closing:
            try:
                if self._connection is None or self._connection.is_closed():
                    await self.open()
                while self.has_work():
                    await self.work()
                    pause = _FIRST_PAUSE_S
                self._signal.clear()
                if not self.closing:
                    await self._signal.wait()
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001 (whatever it is, the events wait, not end)
                self._report(error)
                await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311
                pause = min(pause * 2, _LONGEST_PAUSE_S)
        if self._connection is not None:
            await self._connection.close(timeout=5)

    def _report(self, error: Exception) -> None:
        from asyncpg import PostgresError

        lost = is_lost_connection(error) or isinstance(error, OSError)
        explained = explain(error, connecting=lost) or error
        _log.warning("the queue waits: %s", explained, exc_info=unforeseen(explained))
        if self._connection is not None and (lost or not isinstance(error, PostgresError)):
            self._connection.terminate()  # a driver that lost track of its connection never finds it again
            self._connection = None


async def settle_plans(connection: asyncpg.Connection[Any]) -> None:
    """Plan once, and by the indexes: tables that are empty one moment and full the next fool the planner."""
    settings = ("enable_seqscan = off", "enable_hashjoin = off", "enable_mergejoin = off", "jit = off")
    planned_once = "plan_cache_mode = force_generic_plan"
    await connection.execute("; ".join(f"set {setting}" for setting in (*settings, planned_once)))
