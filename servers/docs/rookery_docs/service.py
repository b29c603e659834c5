"""What all tools share: the database, the releases of the caller's team, the search engine."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Generic, TypeVar

from rookery_core.database import LazyDatabase
from rookery_core.errors import RookeryError
from rookery_core.identity import Caller, current_caller
from rookery_core.telemetry import get_logger
from rookery_docs.search.reranking import Reranker
from rookery_docs.settings import DocsSettings
from rookery_docs.store.reader import DocsReader, ReleaseInfo

if TYPE_CHECKING:
    from rookery_core.database import Database
    from rookery_docs.search.engine import SearchEngine

logger = get_logger(__name__)
_WARM_PATIENCE_S = 120.0
_WARM_RELEASES = 5


class DocsService:
    """The server's parts. Nothing is opened or loaded before `start`."""

    def __init__(self, settings: DocsSettings, gate: LazyDatabase) -> None:
        self._settings = settings
        self._gate = gate
        self._engine: SearchEngine | None = None
        self._warming: asyncio.Task[None] | None = None
        self._releases = SharedReading(self._read_releases)
        self.reranker = _reranker(settings)

    @property
    def engine(self) -> SearchEngine:
        """The search engine, made when first needed: it loads numpy and the embedder's library."""
        if self._engine is None:
            from rookery_core.embedders import create_embedder
            from rookery_docs.search.engine import SearchEngine

            settings = self._settings
            self._engine = SearchEngine(
                create_embedder(settings), settings.semantic_weight, settings.data_dir / "docs-index"
            )
        return self._engine

    async def database(self) -> Database:
        """The database. Raises DatabaseStarting while it is not there."""
        return await self._gate.database()

    async def releases(self) -> list[ReleaseInfo]:
        """Every release of the caller's team."""
        return await self._releases.get(current_caller().team)

    async def _read_releases(self, team: str) -> list[ReleaseInfo]:
        database, caller = await self.database(), Caller(team=team)
        async with database.transaction(caller, readonly=True) as connection:
            return await DocsReader(connection, caller).releases()

    def start(self) -> None:
        """Begin to open the database and to make the indexes of the newest releases, in the background."""
        self._gate.start()
        self._warming = asyncio.create_task(self._warm(), name="warm-docs")

    async def stop(self) -> None:
        """Close what `start` opened."""
        if self._warming is not None:
            self._warming.cancel()
            await asyncio.wait({self._warming})
        if self.reranker is not None:
            await self.reranker.close()
        await self._gate.close()

    async def ready(self) -> None:
        """Return when searches can be served. Raises the RookeryError that says why not."""
        await self._gate.database()

    async def _warm(self) -> None:
        caller = Caller(team=self._settings.team)
        try:
            database = await self._gate.database(_WARM_PATIENCE_S)
            newest = [release for release in await self._releases.get(caller.team) if release.latest]
            await self.engine.warm(database, caller, newest[:_WARM_RELEASES])
        except RookeryError as error:
            logger.info("indexes are made with the first search: %s", error)
        except ImportError as error:
            logger.warning("search cannot be loaded: %s", error)


def _reranker(settings: DocsSettings) -> Reranker | None:
    if not settings.docs_rerank_url:
        return None
    key = settings.docs_rerank_key
    return Reranker(
        settings.docs_rerank_url, settings.docs_rerank_model, key.get_secret_value() if key else None
    )


T = TypeVar("T")


class SharedReading(Generic[T]):
    """Reads what belongs to a key. Nobody gets what was begun to be read before they asked.

    A call during a reading waits for the next one; all that wait share it.
    """

    def __init__(self, read: Callable[[str], Awaitable[T]]) -> None:
        self._read = read
        self._running: dict[str, asyncio.Task[T]] = {}
        self._next: dict[str, asyncio.Task[T]] = {}

    async def get(self, key: str) -> T:
        """What belongs to the key, as it is now. Raises what reading it raises."""
        reading = self._next.get(key)
        if reading is None:
            reading = asyncio.create_task(self._after(self._running.get(key), key))
            self._next[key] = reading
        return await asyncio.shield(reading)

    async def _after(self, before: asyncio.Task[T] | None, key: str) -> T:
        if before is not None:
            await asyncio.wait({before})
        self._running[key] = self._next.pop(key)
        try:
            return await self._read(key)
        finally:
            if self._running.get(key) is asyncio.current_task():
                del self._running[key]
