"""The foundation of every part of the queue: its database, team, clock and notifications."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from rookery_core import sql
from rookery_core.errors import NotFound
from rookery_core.identity.caller import DEFAULT_TEAM
from rookery_core.queue.notify import Notifier
from rookery_core.suggestions import suggest

if TYPE_CHECKING:
    from rookery_core.database.connection import Connection
    from rookery_core.database.pool import Database

PACKAGE = "rookery_core.queue"

Clock = Callable[[], datetime]
"""Replaces the database's clock in tests; the queue otherwise reads the time from the database only."""


class QueueBase:
    """The queue of one team in one database."""

    def __init__(self, database: Database, *, clock: Clock | None = None, team: str = DEFAULT_TEAM) -> None:
        self.database = database
        self.team = team
        self.notifier = Notifier(self._send_notifications)
        self._clock = clock

    def now(self) -> datetime | None:
        """The time to bind: the test's clock, or None, for which every statement uses the database's clock."""
        return self._clock() if self._clock else None

    @asynccontextmanager
    async def connection(self, connection: Connection | None = None) -> AsyncGenerator[Connection]:
        """The caller's connection, or one of the pool. Raises Unavailable when the pool has none."""
        if connection is not None:
            yield connection
            return
        async with self.database.acquire() as pooled:
            yield pooled

    @asynccontextmanager
    async def transaction(self, connection: Connection | None = None) -> AsyncGenerator[Connection]:
        """A transaction on the caller's connection (a savepoint when one is open) or on one of the pool.

        Raises Unavailable when the pool has no connection.
        """
        async with self.connection(connection) as open_connection, open_connection.transaction():
            yield open_connection

    async def check_subscription(self, name: str) -> None:
        """Raises NotFound, with the nearest names, when there is no subscription of that name."""
        async with self.connection() as connection:
            rows = await connection.fetch(
                sql.load(PACKAGE, "sql/subscriptions.sql")["list_subscription_names"], self.team
            )
        names = [row["name"] for row in rows]
        if name not in names:
            near = suggest(name, names, otherwise=True)
            raise NotFound(f"No subscription {name!r}.", candidates=near)

    async def notify(self, topics: set[str], delay_s: float = 0.0) -> None:
        """Tell every listening process that these topics may have work, in `delay_s` seconds."""
        due = [self.notifier.take(topic, self.team, delay_s) for topic in sorted(topics)]
        if texts := [text for text in due if text]:
            await self._send_notifications(texts)

    async def _send_notifications(self, texts: list[str]) -> None:
        async with self.database.acquire() as connection:
            await connection.execute(sql.load(PACKAGE, "sql/publish.sql")["send_notifications"], texts)
