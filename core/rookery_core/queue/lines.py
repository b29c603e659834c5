"""Connections that are kept ready for one kind of statement: planned once, and not reset after each use."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast

from rookery_core.database.failures import explained

if TYPE_CHECKING:
    import asyncpg

    from rookery_core.database import Connection, Database


class Lines:
    """At most `most` connections, opened as they are needed. Whoever uses one must leave no trace in its session."""

    def __init__(self, database: Database, most: int) -> None:
        self._database = database
        self._free: list[asyncpg.Connection[Any]] = []
        self._places = asyncio.Semaphore(most)

    @asynccontextmanager
    async def line(self) -> AsyncGenerator[Connection]:
        """One of the connections, alone."""
        async with self._places:
            line = self._free.pop() if self._free else await self._open()
            try:
                with explained():
                    yield cast("Connection", line)
            finally:
                if not line.is_closed():
                    self._free.append(line)

    async def _open(self) -> asyncpg.Connection[Any]:
        line = await self._database.connect()
        await settle_plans(line)
        return line

    async def close(self) -> None:
        """Close those that are free."""
        while self._free:
            await self._free.pop().close(timeout=5)


async def settle_plans(line: asyncpg.Connection[Any]) -> None:
    """Plan once, and by the indexes: tables that are empty one moment and full the next fool the planner."""
    for setting in ("enable_seqscan", "enable_hashjoin", "enable_mergejoin", "jit"):
        await line.execute(f"set {setting} = off")
    await line.execute("set plan_cache_mode = force_generic_plan")
