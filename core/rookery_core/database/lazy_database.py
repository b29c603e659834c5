"""A database that is opened in the background, so that a server answers before the database is ready."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from rookery_core.errors import DatabaseStarting

if TYPE_CHECKING:
    from rookery_core.database.pool import Database
    from rookery_core.settings import CoreSettings


class LazyDatabase:
    """The database of a server, opened once for all callers.

    A failed attempt raises its error for every caller that waited for it; the next caller starts another attempt.
    """

    def __init__(
        self, settings: CoreSettings, *, role: str, application_name: str, max_connections: int = 10
    ) -> None:
        self._settings = settings
        self._role = role
        self._application_name = application_name
        self._max_connections = max_connections
        self._opening: asyncio.Task[Database] | None = None
        self._closed = False

    def start(self) -> None:
        """Start to open the database unless that has started. Needs a running event loop."""
        if self._opening is None and not self._closed:
            self._opening = asyncio.create_task(self._open(), name="open-database")
            self._opening.add_done_callback(_mark_retrieved)

    async def database(self, patience_s: float = 4.0) -> Database:
        """The database. Raises DatabaseStarting when it is not ready within `patience_s` seconds."""
        self.start()
        if self._opening is None:
            raise DatabaseStarting("The server is shutting down.")
        opening = self._opening
        done, _ = await asyncio.wait({opening}, timeout=patience_s)
        if not done:
            raise DatabaseStarting()
        if opening.cancelled() or opening.exception() is not None:
            if self._opening is opening:
                self._opening = None
            if opening.cancelled():
                raise DatabaseStarting("The server is shutting down.")
        return opening.result()

    async def close(self) -> None:
        """Close the database, or stop opening it."""
        self._closed = True
        opening, self._opening = self._opening, None
        if opening is None:
            return
        if not opening.done():
            opening.cancel()
        await asyncio.wait({opening})
        if not opening.cancelled() and opening.exception() is None:
            await opening.result().close()

    async def _open(self) -> Database:
        from rookery_core.database.pool import Database

        return await Database.open(
            self._settings, self._role, self._application_name, max_connections=self._max_connections
        )


def _mark_retrieved(task: asyncio.Task[Database]) -> None:
    if not task.cancelled():
        task.exception()  # otherwise the loop reports a failure that no caller has retrieved yet
