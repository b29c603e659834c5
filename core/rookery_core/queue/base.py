"""What every part of the queue stands on: its database, its team, its clock and its statements."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from difflib import get_close_matches
from typing import TYPE_CHECKING

from rookery_core import sql
from rookery_core.errors import NotFound
from rookery_core.identity.caller import DEFAULT_TEAM
from rookery_core.queue.wakeup import Hints

if TYPE_CHECKING:
    from rookery_core.database import Connection, Database

PACKAGE = "rookery_core.queue"

Clock = Callable[[], datetime]
"""Stands in for the database's clock in tests; nothing else ever tells the queue the time."""


class Base:
    """The queue of one team in one database."""

    def __init__(self, database: Database, *, clock: Clock | None = None, team: str = DEFAULT_TEAM) -> None:
        self.database = database
        self.team = team
        self._clock = clock
        self._hints = Hints(self._send_hints)

    def now(self) -> datetime | None:
        """The time to bind: None, which every statement takes as the database's own clock, or the test's."""
        return self._clock() if self._clock else None

    @asynccontextmanager
    async def connection(self, connection: Connection | None = None) -> AsyncGenerator[Connection]:
        """The caller's connection, or one of the pool."""
        if connection is not None:
            yield connection
            return
        async with self.database.acquire() as own:
            yield own

    @asynccontextmanager
    async def transaction(self, connection: Connection | None = None) -> AsyncGenerator[Connection]:
        """A transaction on the caller's connection (a savepoint when one is open) or on one of the pool."""
        async with self.connection(connection) as own, own.transaction():
            yield own

    async def check_subscription(self, name: str) -> None:
        """Raises NotFound, with the nearest names, when there is no subscription of that name."""
        async with self.connection() as own:
            rows = await own.fetch(sql.load(PACKAGE, "inspect.sql")["names"], self.team)
        names = [row["name"] for row in rows]
        if name not in names:
            near = get_close_matches(name, names, n=3) or names[:3]
            raise NotFound(f"No subscription {name!r}.", candidates=near)

    async def _send_hints(self, hints: list[str]) -> None:
        async with self.database.acquire() as own:
            await own.execute(sql.load(PACKAGE, "publish.sql")["wake"], hints)

    async def wake(self, topics: set[str], delay_s: float = 0.0) -> None:
        """Tell every listening process that these topics may have work, after `delay_s`."""
        now = [hint for topic in sorted(topics) if (hint := self._hints.leading(topic, self.team, delay_s))]
        if now:
            await self._send_hints(now)
