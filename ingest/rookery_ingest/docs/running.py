"""Opens what an import needs, runs it, closes it."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any, Self

from rookery_core.database import Database
from rookery_core.embedders import create_embedder
from rookery_core.identity import Caller
from rookery_core.settings import CoreSettings
from rookery_docs.store.writer import DocsWriter, KnownPage, Release
from rookery_ingest.docs.importing import Import, Report, Summary
from rookery_ingest.docs.raw import Delivered


def _whole() -> bool:
    return True


async def _begun(pages: AsyncIterable[Delivered]) -> AsyncIterable[Delivered]:
    """The same pages, of which the first has been read."""
    iterator = aiter(pages)
    first = await anext(iterator, None)

    async def all_of_them() -> AsyncIterator[Delivered]:
        if first is not None:
            yield first
        async for page in iterator:
            yield page

    return all_of_them()


@dataclass(frozen=True, slots=True)
class Target:
    """What an import fills. settings: what repeats the import (a schedule reads them)."""

    release: Release
    title: str
    kind: str
    base_url: str
    settings: dict[str, Any] = field(default_factory=dict[str, Any])


class DocsIngest:
    """The documentation store, open for writing as `agent` of one team."""

    def __init__(self, settings: CoreSettings, database: Database) -> None:
        self._settings = settings
        self.database = database
        self.writer = DocsWriter(database, Caller(team=settings.team, kind="agent"))

    @classmethod
    async def open(cls, settings: CoreSettings) -> Self:
        """Connect. Raises Unavailable, ConfigurationError."""
        database = await Database.open(settings, "rookery_ingest", "rookery-ingest", max_connections=4)
        return cls(settings, database)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Disconnect."""
        await self.database.close()

    async def known_pages(self, release: Release) -> dict[str, KnownPage]:
        """What is stored of the release."""
        return await self.writer.known_pages(release)

    async def run(
        self,
        target: Target,
        pages: AsyncIterable[Delivered],
        *,
        report: Report,
        complete: Callable[[], bool] = _whole,
        force: bool = False,
    ) -> Summary:
        """Import `pages` into `target`. complete: asked after reading, whether all of the source was seen.

        A source that cannot be read at all raises before anything is stored of it.
        """
        begun = await _begun(pages)
        await self.writer.put_source(
            target.release,
            title=target.title,
            kind=target.kind,
            base_url=target.base_url,
            settings=target.settings,
        )
        embedder = create_embedder(self._settings)
        try:
            run = Import(self.writer, embedder, target.release, report)
            return await run.run(begun, complete=complete, force=force)
        finally:
            if embedder is not None:
                await embedder.close()
