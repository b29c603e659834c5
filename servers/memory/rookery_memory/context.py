"""What the tools stand on: the database, the embedder, the store, and the worker that makes vectors."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from rookery_core import telemetry
from rookery_core.database.lazy_database import LazyDatabase
from rookery_core.identity.caller import DEFAULT_TEAM
from rookery_memory.scopes import caller_of
from rookery_memory.settings import MemorySettings

if TYPE_CHECKING:
    from rookery_core.database import Database
    from rookery_core.queue import Attempt, Event, Queue
    from rookery_memory.store import MemoryStore

logger = telemetry.get_logger(__name__)
PATIENCE_S = 4.0
SUBSCRIPTION = "memory.embed"
MAX_ATTEMPTS = 12


class MemoryContext:
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
            queue = await open_queue(database, self._settings.team)
        return MemoryStore(database, create_embedder(self._settings), queue, announces=True)

    async def _embed_in_background(self) -> None:
        from rookery_core.errors import RookeryError

        while True:
            try:
                await run_worker(await self.store(), self._settings.team)
                return
            except RookeryError as error:
                logger.warning("vectors wait: %s", error)
                await asyncio.sleep(5)


async def open_queue(database: Database, team: str = DEFAULT_TEAM) -> Queue:
    """The event queue, with a subscription for what is to be embedded."""
    from rookery_core.queue import Queue
    from rookery_memory.store.context import EMBED_TOPIC

    queue = Queue(database, team=team)
    await queue.subscribe(EMBED_TOPIC, SUBSCRIPTION, max_attempts=MAX_ATTEMPTS, lease_s=120, internal=True)
    return queue


async def run_worker(store: MemoryStore, team: str = DEFAULT_TEAM) -> None:
    """Embed what is waiting, until cancelled. An embedder that is down is tried again, with growing pauses."""
    from rookery_core.queue import Queue, Worker

    queue = store.context.queue or Queue(store.context.database, team=team)

    async def embed(event: Event, attempt: Attempt) -> None:
        caller = caller_of(str(event.payload["scope"]), str(event.payload["team"]))
        await store.embed_pending(caller)
        await store.tend(caller)

    stop = asyncio.Event()
    worker = Worker(queue, {SUBSCRIPTION: embed}, concurrency=2)
    async with worker:
        await stop.wait()
