"""What the server reads from the store. Every statement runs in a transaction that knows the caller."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rookery_core import sql

if TYPE_CHECKING:
    from rookery_core.database import Connection
    from rookery_core.identity import Caller
    from rookery_docs.search.release_index import PassageRow

_MOST_SIMILAR = 8
"""Words offered for one that is not stored."""


@dataclass(frozen=True, slots=True)
class ReleaseInfo:
    """A version of a source, as stored. age: how many versions of the source are newer. edition: changes with every
    change of its pages, and is never the same in two databases that went different ways."""

    source: str
    title: str
    kind: str
    version: str
    base_url: str
    revision: int
    edition: str
    pages: int
    passages: int
    imported_at: datetime | None
    changed_at: datetime | None
    age: int

    @property
    def latest(self) -> bool:
        """Whether no version of the source is newer."""
        return self.age == 0


@dataclass(frozen=True, slots=True)
class PageInfo:
    """A stored page."""

    page_id: int
    source: str
    version: str
    path: str
    url: str
    title: str
    description: str | None


@dataclass(frozen=True, slots=True)
class PagePassage:
    """A passage of a page; `text` without what it repeats of the one before."""

    position: int
    anchor: str | None
    anchors: tuple[str, ...]
    heading_path: tuple[str, ...]
    text: str


class DocsReader:
    """Reads for one caller, on the connection of one transaction."""

    def __init__(self, connection: Connection, caller: Caller) -> None:
        self._connection = connection
        self._team = caller.team
        self._sql = sql.load("rookery_docs.store", "reading.sql")

    async def releases(self) -> list[ReleaseInfo]:
        """Every version of every source."""
        rows = await self._connection.fetch(self._sql["releases"], self._team)
        newer: Counter[str] = Counter()
        found: list[ReleaseInfo] = []
        for row in rows:
            found.append(ReleaseInfo(**dict(row.items()), age=newer[row["source"]]))
            newer[row["source"]] += 1
        return found

    async def index_rows(self, source: str, version: str, model: str) -> list[PassageRow]:
        """What the index of a release is made of; vectors of `model` where there are any."""
        from rookery_docs.search.release_index import PassageRow

        rows = await self._connection.fetch(self._sql["index_rows"], self._team, source, version, model)
        return [PassageRow(*row.values()) for row in rows]

    async def similar_words(self, words: Sequence[str]) -> dict[str, list[tuple[str, float]]]:
        """Stored words like each of `words`, most alike first, with their likeness (0 to 1)."""
        found: dict[str, list[tuple[str, float]]] = {}
        for row in await self._connection.fetch(self._sql["similar_words"], list(words), _MOST_SIMILAR):
            found.setdefault(row["asked"], []).append((row["word"], row["similarity"]))
        return found

    async def pages_by_path(self, path: str, source: str | None, version: str | None) -> list[PageInfo]:
        """Pages of that path, the newest version first."""
        return await self._pages("pages_by_path", path, source, version)

    async def pages_by_url(self, urls: Sequence[str]) -> list[PageInfo]:
        """Pages with one of these URLs."""
        return await self._pages("pages_by_url", list(urls))

    async def pages_by_anchor(self, anchor: str, source: str | None, version: str | None) -> list[PageInfo]:
        """Pages in which that id occurs."""
        return await self._pages("pages_by_anchor", anchor, source, version)

    async def paths_like(self, fragment: str, source: str | None) -> list[str]:
        """Paths of pages whose path or title contains the fragment."""
        rows = await self._connection.fetch(self._sql["pages_like"], self._team, fragment.lower(), source)
        return [row["path"] for row in rows]

    async def paths_as_long(self, stem: str, source: str | None) -> list[str]:
        """Paths of pages whose names are about as long as a page's name without its suffix."""
        rows = await self._connection.fetch(self._sql["paths_as_long"], self._team, stem, source)
        return [row["path"] for row in rows]

    async def passages(self, page_id: int) -> list[PagePassage]:
        """The whole page, in order."""
        rows = await self._connection.fetch(self._sql["passages"], self._team, page_id)
        return [
            PagePassage(
                row["position"],
                row["anchor"],
                tuple(row["anchors"]),
                tuple(row["heading_path"]),
                row["text"][row["overlap"] :],
            )
            for row in rows
        ]

    async def _pages(self, statement: str, *values: Any) -> list[PageInfo]:
        rows = await self._connection.fetch(self._sql[statement], self._team, *values)
        names = ("page_id", "source", "version", "path", "url", "title", "description")
        return [PageInfo(*(row[name] for name in names)) for row in rows]
