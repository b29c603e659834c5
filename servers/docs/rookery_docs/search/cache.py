"""Indexes in memory, one for each release that is asked, made anew when the release has changed."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rookery_core.telemetry import get_logger
from rookery_docs.store.reader import DocsReader, ReleaseInfo

if TYPE_CHECKING:
    from pathlib import Path

    from rookery_core.database import Database
    from rookery_core.embedders import Embedder
    from rookery_core.identity import Caller
    from rookery_docs.search.release_index import ReleaseIndex

logger = get_logger(__name__)
RELOAD_PAUSE_S = 3.0
"""An index younger than this is used as it is while its release changes: an import changes it many times."""
MOST_PASSAGES = 400_000
"""Passages held in all; the releases asked longest ago go first."""

_Key = tuple[str, str, str]


@dataclass(slots=True)
class _Entry:
    index: ReleaseIndex
    revision: int
    made_at: float


class IndexCache:
    """Hands out the index of a release. Many callers asking at once make it once.

    folder: where indexes are kept for every server of this machine and for the next start; None: nowhere.
    """

    def __init__(self, embedder: Embedder | None, folder: Path | None) -> None:
        self._embedder = embedder
        self._folder = folder
        self._entries: OrderedDict[_Key, _Entry] = OrderedDict()
        self._making: dict[_Key, asyncio.Lock] = {}

    async def index(self, database: Database, caller: Caller, release: ReleaseInfo) -> ReleaseIndex:
        """The index of the release as it is now, or as it was at most a few seconds ago."""
        key = (caller.team, release.source, release.version)
        entry = self._entries.get(key)
        if entry is not None:
            self._entries.move_to_end(key)
            if entry.revision >= release.revision:
                return entry.index
            if time.monotonic() - entry.made_at < RELOAD_PAUSE_S:
                return entry.index
        async with self._making.setdefault(key, asyncio.Lock()):
            entry = self._entries.get(key)
            if entry is None or entry.revision < release.revision:
                entry = await self._make(database, caller, release)
                self._entries[key] = entry
                self._evict()
        return entry.index

    async def _make(self, database: Database, caller: Caller, release: ReleaseInfo) -> _Entry:
        from rookery_docs.search.index_files import IndexFiles, IndexName

        started = time.monotonic()
        model = self._embedder.model if self._embedder else ""
        name = IndexName((caller.team, release.source, release.version), model, release.edition)
        if self._folder is None:
            index = await self._build(database, caller, release, model)
        else:
            files = IndexFiles(self._folder)
            async with files.making(name):
                index = await asyncio.to_thread(files.load, name)
                if index is None:
                    index = await self._build(database, caller, release, model)
                    index = await asyncio.to_thread(files.save, name, index)
        logger.info(
            "index of %s %s: %d passages in %.2f s",
            release.source,
            release.version,
            len(index.content_ids),
            time.monotonic() - started,
        )
        return _Entry(index, release.revision, time.monotonic())

    async def _build(
        self, database: Database, caller: Caller, release: ReleaseInfo, model: str
    ) -> ReleaseIndex:
        from rookery_docs.search.release_index import ReleaseIndex

        async with database.transaction(caller, readonly=True) as connection:
            rows = await DocsReader(connection, caller).index_rows(release.source, release.version, model)
        dimensions = next((len(row.vector) for row in rows if row.vector is not None), 0)
        return await asyncio.to_thread(ReleaseIndex.build, rows, dimensions)

    def _evict(self) -> None:
        total = sum(len(entry.index.content_ids) for entry in self._entries.values())
        while total > MOST_PASSAGES and len(self._entries) > 1:
            _, entry = self._entries.popitem(last=False)
            total -= len(entry.index.content_ids)
