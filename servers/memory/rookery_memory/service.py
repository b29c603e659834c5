"""What the tools stand on: the database, the embedder, the store, and the worker that makes vectors."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from rookery_core import telemetry
from rookery_core.database.lazy_database import LazyDatabase
from rookery_memory.settings import MemorySettings

if TYPE_CHECKING:
    from rookery_core.database import Database
    from rookery_memory.store import MemoryStore

_log = telemetry.get_logger(__name__)
PATIENCE_S = 4.0


class MemoryService:
    """Opened in the background when the server starts. `background`: vectors are made through the event queue."""

    def __init__(self, settings: MemorySettings, gate: LazyDatabase, *, background: bool = False) -> None:
        self._settings = settings
        self.gate = gate
        self._background = background
        self._opening: asyncio.Task[MemoryStore] | None = None
        self._embedding: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to open the database, and the worker if vectors are made in the background."""
        self.gate.start()
        if self._background:
            self._embedding = asyncio.create_task(self._embed_in_background(), name="embed-memories")

    async def stop(self) -> None:
        """End the worker, the store and the database."""
        if self._embedding is not None:
            self._embedding.cancel()
            await asyncio.wait({self._embedding})
        if self._opening is not None and self._opening.done() and not self._opening.exception():
            await self._opening.result().close()
        await self.gate.close()

    async def ready(self) -> None:
        """Return when the database can be used. Raises DatabaseStarting or Unavailable while it cannot."""
        await self.gate.database()

    async def store(self) -> MemoryStore:
        """The store. Raises DatabaseStarting when the database is not there in four seconds."""
        database = await self.gate.database(PATIENCE_S)
        if self._opening is None:
            self._opening = asyncio.create_task(self._make_store(database))
        return await asyncio.shield(self._opening)

    async def _make_store(self, database: Database) -> MemoryStore:
        from rookery_core.embedders import create_embedder
        from rookery_memory.store import MemoryStore

        queue = None
        if self._background:
            from rookery_memory.embedding_worker import open_queue

            queue = await open_queue(database, self._settings.team)
        return MemoryStore(database, create_embedder(self._settings), queue, announces=True)

    async def _embed_in_background(self) -> None:
        from rookery_core.errors import RookeryError
        from rookery_memory.embedding_worker import run_worker

        while True:
            try:
                await run_worker(await self.store(), self._settings.team)
                return
            except RookeryError as error:
                _log.warning("vectors wait: %s", error)
                await asyncio.sleep(5)
