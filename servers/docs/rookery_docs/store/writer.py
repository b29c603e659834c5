"""What ingest does to the store. Every call is one transaction for its caller; a killed import leaves whole pages."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from rookery_core import sql
from rookery_core.identity import Caller
from rookery_docs.records import PageRecord, Passage
from rookery_docs.search.analysis import tokens
from rookery_docs.search.fields import ANALYSIS_VERSION, terms_by_field
from rookery_docs.search.postings import pack

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rookery_core.database import Connection, Database

_WORD = re.compile(r"[a-z][a-z0-9_]{3,40}")


@dataclass(frozen=True, slots=True)
class Release:
    """A version of a source, which an import fills."""

    source: str
    version: str


@dataclass(frozen=True, slots=True)
class KnownPage:
    """What is stored of a page, to tell whether it has changed."""

    url: str
    digest: bytes
    etag: str | None
    last_modified: datetime | None


@dataclass(frozen=True, slots=True)
class Stored:
    """What one call stored. reused: passages whose text was there before."""

    added: int
    changed: int
    passages: int
    reused: int


@dataclass(frozen=True, slots=True)
class Unembedded:
    """A text without vector. `text` is what to embed: its headings, then its words."""

    content_id: int
    text: str


@dataclass(frozen=True, slots=True)
class _Content:
    """A passage as it is stored. digest: of all that its row is made of, so that a known text is not analysed again."""

    page: PageRecord
    passage: Passage
    digest: bytes

    def postings(self) -> bytes:
        """What search needs to know of the text; nothing of a page of links."""
        page = self.page
        if page.kind == "index":
            return b""
        return pack(terms_by_field(self.passage, page))


class DocsWriter:
    """Writes one team's documentation, under the role rookery_ingest."""

    def __init__(self, database: Database, caller: Caller) -> None:
        self._database = database
        self._caller = caller
        self._sql = sql.load("rookery_docs.store", "writing.sql")
        self._words_stored: set[str] = set()

    @asynccontextmanager
    async def importing(self, release: Release) -> AsyncGenerator[int]:
        """Hold the release for one import; another of the same one waits for this. Yields the run's id."""
        key = (self._caller.team, release.source, release.version)
        async with self._database.acquire() as connection:
            await connection.execute(self._sql["lock_version"], *key)
            try:
                async with self._database.transaction(self._caller) as transaction:
                    run_id = await transaction.fetchval(self._sql["begin_run"], *key)
                yield run_id
            finally:
                await connection.execute(self._sql["unlock_version"], *key)

    async def put_source(
        self, release: Release, *, title: str, kind: str, base_url: str, settings: dict[str, Any]
    ) -> None:
        """Make the source and its version known, or bring what is known of them up to date."""
        async with self._database.transaction(self._caller) as connection:
            team = self._caller.team
            await connection.execute(self._sql["put_source"], team, release.source, title, kind, settings)
            key = sort_key(release.version)
            await connection.execute(
                self._sql["put_version"], team, release.source, release.version, key, base_url
            )

    async def source_settings(self, name: str) -> dict[str, Any] | None:
        """How a source was imported: {kind, title, settings}; None when there is no such source."""
        async with self._database.transaction(self._caller, readonly=True) as connection:
            row = await connection.fetchrow(self._sql["source_settings"], self._caller.team, name)
        return dict(row.items()) if row else None

    async def versions(self, source: str) -> list[str]:
        """The stored versions of a source, the newest first."""
        async with self._database.transaction(self._caller, readonly=True) as connection:
            rows = await connection.fetch(self._sql["versions"], self._caller.team, source)
        return [row["version"] for row in rows]

    async def known_pages(self, release: Release) -> dict[str, KnownPage]:
        """The stored pages of a release by path."""
        async with self._database.transaction(self._caller, readonly=True) as connection:
            rows = await connection.fetch(self._sql["known_pages"], *self._key(release))
        return {
            row["path"]: KnownPage(row["url"], row["digest"], row["etag"], row["last_modified"])
            for row in rows
        }

    async def put_pages(self, release: Release, pages: Sequence[PageRecord]) -> Stored:
        """Store pages whole, in place of what was stored of them. Paths are distinct within a call."""
        if not pages:
            return Stored(0, 0, 0, 0)
        contents = {page.path: [_content(passage, page) for passage in page.passages] for page in pages}
        async with self._database.transaction(self._caller) as connection:
            ids, reused = await self._put_contents(connection, contents.values())
            rows = await self._put_page_rows(connection, release, pages)
            await self._put_passages(
                connection, pages, contents, ids, {row["path"]: row["page_id"] for row in rows}
            )
            await connection.execute(self._sql["touch_revision"], *self._key(release))
        added = sum(row["inserted"] for row in rows)
        passages = sum(len(page.passages) for page in pages)
        return Stored(added, len(pages) - added, passages, reused)

    async def remove_pages(self, release: Release, paths: Sequence[str]) -> None:
        """Remove pages that the source no longer has."""
        async with self._database.transaction(self._caller) as connection:
            await connection.execute(self._sql["remove_pages"], *self._key(release), list(paths))
            await connection.execute(self._sql["touch_revision"], *self._key(release))

    async def without_vector(self, release: Release, model: str, limit: int) -> list[Unembedded]:
        """Up to `limit` texts of the release that `model` has not embedded."""
        async with self._database.transaction(self._caller, readonly=True) as connection:
            rows = await connection.fetch(self._sql["without_vector"], *self._key(release), model, limit)
        return [Unembedded(row["content_id"], _text_to_embed(row)) for row in rows]

    async def put_vectors(
        self, release: Release, model: str, content_ids: Sequence[int], vectors: NDArray[np.float32]
    ) -> None:
        """Store the vectors of texts; a row of zeros is stored as none."""
        rows = [
            (self._caller.team, content_id, model, vector if vector.any() else None)
            for content_id, vector in zip(content_ids, vectors, strict=True)
        ]
        async with self._database.transaction(self._caller) as connection:
            await connection.executemany(self._sql["put_vectors"], rows)
            await connection.execute(self._sql["touch_revision"], *self._key(release))

    async def finish(self, release: Release, run_id: int, summary: dict[str, Any]) -> tuple[int, int]:
        """Count what the release holds, forget texts long unused, close the run. Returns (pages, passages)."""
        async with self._database.transaction(self._caller) as connection:
            counted = await connection.fetchrow(self._sql["count_version"], *self._key(release))
            await connection.execute(self._sql["forget_unused"], self._caller.team)
            await connection.execute(self._sql["end_run"], self._caller.team, run_id, summary)
        return (counted["pages"], counted["passages"]) if counted else (0, 0)

    async def remove(self, source: str, version: str | None = None) -> bool:
        """Remove a source, or one version of it. False when there was none."""
        async with self._database.transaction(self._caller) as connection:
            if version is None:
                done = await connection.execute(self._sql["remove_source"], self._caller.team, source)
            else:
                done = await connection.execute(
                    self._sql["remove_version"], self._caller.team, source, version
                )
        return not done.endswith(" 0")

    def _key(self, release: Release) -> tuple[str, str, str]:
        return self._caller.team, release.source, release.version

    async def _put_contents(
        self, connection: Connection, contents: Iterable[list[_Content]]
    ) -> tuple[dict[bytes, int], int]:
        """The ids of contents by digest, and how many were there before."""
        distinct = {content.digest: content for page in contents for content in page}
        ids = await self._known_contents(connection, list(distinct))
        new = [content for digest, content in distinct.items() if digest not in ids]
        rows = await connection.fetch(
            self._sql["put_contents"],
            self._caller.team,
            [content.digest for content in new],
            [content.page.title for content in new],
            ["\n".join(_one_line(part) for part in content.passage.heading_path) for content in new],
            [content.passage.text for content in new],
            [content.passage.overlap for content in new],
            [content.postings() for content in new],
        )
        await self._put_words(connection, new)
        ids |= {row["digest"]: row["content_id"] for row in rows}
        return ids, len(distinct) - sum(row["inserted"] for row in rows)

    async def _known_contents(self, connection: Connection, digests: list[bytes]) -> dict[bytes, int]:
        """Which contents are stored, kept from being forgotten while this import goes on."""
        await connection.execute(self._sql["touch_contents"], self._caller.team, digests)
        rows = await connection.fetch(self._sql["known_contents"], self._caller.team, digests)
        return {row["digest"]: row["content_id"] for row in rows}

    async def _put_page_rows(
        self, connection: Connection, release: Release, pages: Sequence[PageRecord]
    ) -> list[Any]:
        return await connection.fetch(
            self._sql["put_pages"],
            *self._key(release),
            [page.path for page in pages],
            [page.url for page in pages],
            [page.title for page in pages],
            [page.description for page in pages],
            [page.kind for page in pages],
            [page.digest for page in pages],
            [page.etag for page in pages],
            [page.last_modified for page in pages],
        )

    async def _put_passages(
        self,
        connection: Connection,
        pages: Sequence[PageRecord],
        contents: dict[str, list[_Content]],
        ids: dict[bytes, int],
        page_ids: dict[str, int],
    ) -> None:
        await connection.execute(self._sql["clear_passages"], self._caller.team, list(page_ids.values()))
        rows = [
            (
                page_ids[page.path],
                passage.position,
                ids[content.digest],
                passage.anchor,
                "\n".join(passage.anchors),
            )
            for page in pages
            for passage, content in zip(page.passages, contents[page.path], strict=True)
        ]
        columns = [list(column) for column in zip(*rows, strict=True)] or [[], [], [], [], []]
        await connection.execute(self._sql["put_passages"], self._caller.team, *columns)

    async def _put_words(self, connection: Connection, contents: Sequence[_Content]) -> None:
        found = {word for content in contents for word in _words(content.passage.text)}
        new = sorted(found - self._words_stored)
        if new:
            await connection.execute(self._sql["put_words"], self._caller.team, new)
            self._words_stored |= found


def _content(passage: Passage, page: PageRecord) -> _Content:
    told = (
        ANALYSIS_VERSION,
        page.kind == "index",
        page.path,
        page.title,
        passage.heading_path,
        passage.headings,
        passage.anchors,
        passage.terms,
        (passage.purpose, page.description, page.contents) if passage.position == 0 else None,
        passage.overlap,
        passage.text,
    )
    return _Content(page, passage, blake2b(json.dumps(told).encode(), digest_size=20).digest())


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _words(text: str) -> Iterable[str]:
    for token in tokens(text):
        lower = token.lower()
        if _WORD.fullmatch(lower):
            yield lower


def _text_to_embed(row: Any) -> str:
    return " - ".join(row["heading_path"]) + "\n" + row["text"]


_NUMBER = re.compile(r"\d+")
_PRERELEASE = re.compile(r"(?i)(?:alpha|beta|rc|dev|devel|next|nightly|snapshot|preview)")
_NEWEST = 2**31


def sort_key(version: str) -> list[int]:
    """What orders a version among others: its numbers; names of the current state come last, of the coming one first.

    A pre-release sorts before its release: 18beta1 < 18.
    """
    if version.lower() in ("latest", "current", "stable"):
        return [_NEWEST]
    numbers = [int(number[:9]) for number in _NUMBER.findall(version)]
    if not numbers:
        return [0] if _PRERELEASE.search(version) else [1]
    match = _PRERELEASE.search(version)
    if match is None:
        return [*numbers, 1]
    before = [int(number[:9]) for number in _NUMBER.findall(version[: match.start()])]
    return [*before, 0, *numbers[len(before) :]]
