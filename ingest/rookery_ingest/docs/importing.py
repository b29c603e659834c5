"""One import: what the source delivers is compared with what is stored, and only the difference is read and stored."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterable, Callable
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from rookery_core.errors import RookeryError
from rookery_core.telemetry import get_logger
from rookery_docs.paths import names_of
from rookery_docs.records import PageRecord
from rookery_docs.store.writer import DocsWriter, KnownPage, Release
from rookery_ingest.docs.chunking import passages_of
from rookery_ingest.docs.formats.article import Article, Block
from rookery_ingest.docs.formats.reading import read
from rookery_ingest.docs.raw import Delivered, LeftOut, PassedOver, RawPage, Unchanged, Unreadable, kind_of

if TYPE_CHECKING:
    from rookery_core.embedders import Embedder

logger = get_logger(__name__)
BATCH_PAGES = 48
BATCH_CHARACTERS = 2_000_000
EMBED_AT_ONCE = 1_024
VANISHED_SHARE = 0.2
"""More than this share of the stored pages missing looks like a broken crawl, not like an edit."""
VANISHED_ALWAYS = 5


Report = Callable[[str, int], None]
"""Told the name of a stage and how many it has done."""


@dataclass(slots=True)
class Summary:
    """What an import did. kept: vanished pages that were not removed, and why. unreadable: (path, reason).
    left_out: (path, reason) of what the source lists and does not give. passed_over: how many files had a format without
    a reader, by the end of their names."""

    source: str
    version: str
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    removed: int = 0
    passages_stored: int = 0
    passages_reused: int = 0
    embedded: int = 0
    pages: int = 0
    passages: int = 0
    kept: str | None = None
    embedding_failed: str | None = None
    unreadable: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    left_out: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    passed_over: dict[str, int] = field(default_factory=dict[str, int])
    seconds: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


class Import:
    """Brings one version of a source up to date."""

    def __init__(
        self, writer: DocsWriter, embedder: Embedder | None, release: Release, report: Report
    ) -> None:
        self._writer = writer
        self._embedder = embedder
        self._release = release
        self._report = report
        self._batch: list[PageRecord] = []
        self._seen: set[str] = set()
        self._hidden = False
        self.summary = Summary(release.source, release.version)

    async def run(
        self, pages: AsyncIterable[Delivered], *, complete: Callable[[], bool], force: bool = False
    ) -> Summary:
        """Store what differs; then, when the crawl was complete, remove what has vanished; then embed.

        force: remove vanished pages however many they are.
        """
        started = time.perf_counter()
        async with self._writer.importing(self._release) as run_id:
            known = await self._writer.known_pages(self._release)
            async for page in pages:
                await self._take(page, known)
            await self._store_batch()
            await self._remove_vanished(known, complete=complete(), force=force)
            await self._embed()
            self.summary.seconds = round(time.perf_counter() - started, 3)
            counted = await self._writer.finish(self._release, run_id, self.summary.as_dict())
            self.summary.pages, self.summary.passages = counted
        return self.summary

    async def _take(self, page: Delivered, known: dict[str, KnownPage]) -> None:
        if page.path in self._seen:
            return
        if isinstance(page, PassedOver):
            self.summary.passed_over[page.kind] = self.summary.passed_over.get(page.kind, 0) + 1
            return
        if isinstance(page, LeftOut):
            self.summary.left_out.append((page.path, page.reason))
            return
        self._seen.add(page.path)
        self._report("pages", len(self._seen))
        if isinstance(page, Unreadable):
            self.summary.unreadable.append((page.path, page.reason))
            self._hidden = self._hidden or page.hides
        elif isinstance(page, Unchanged):
            self.summary.unchanged += 1
        else:
            await self._compare(page, known.get(page.path))

    async def _compare(self, page: RawPage, known: KnownPage | None) -> None:
        digest = page.digest()
        if known is not None and known.digest == digest:
            self.summary.unchanged += 1
            return
        try:
            article = clean(read(page.data, page.format, page.charset))
        except RookeryError as error:
            self.summary.unreadable.append((page.path, error.message))
            return
        if not article.blocks and (page.format == "pdf" or not page.data.strip()):
            self._seen.discard(page.path)
            self.summary.left_out.append((page.path, "it holds no text"))
            return
        record = _record(page, article, digest)
        self._batch.append(record)
        size = sum(len(passage.text) for record in self._batch for passage in record.passages)
        if len(self._batch) >= BATCH_PAGES or size >= BATCH_CHARACTERS:
            await self._store_batch()

    async def _store_batch(self) -> None:
        batch, self._batch = self._batch, []
        stored = await self._writer.put_pages(self._release, batch)
        self.summary.added += stored.added
        self.summary.changed += stored.changed
        self.summary.passages_stored += stored.passages
        self.summary.passages_reused += stored.reused

    async def _remove_vanished(self, known: dict[str, KnownPage], *, complete: bool, force: bool) -> None:
        vanished = sorted(set(known) - self._seen)
        if not vanished:
            return
        if not complete or self._hidden:
            self.summary.kept = (
                f"{len(vanished)} pages were not seen; kept, because the crawl was not complete"
            )
            return
        if not force and len(vanished) > max(VANISHED_ALWAYS, VANISHED_SHARE * len(known)):
            self.summary.kept = (
                f"{len(vanished)} of {len(known)} pages have vanished; kept, because that looks like a mistake "
                "(--force removes them)"
            )
            return
        await self._writer.remove_pages(self._release, vanished)
        self.summary.removed = len(vanished)

    async def _embed(self) -> None:
        """Embed what has no vector yet. A model that cannot be reached leaves that for the next import."""
        if self._embedder is None:
            return
        while True:
            waiting = await self._writer.without_vector(self._release, self._embedder.model, EMBED_AT_ONCE)
            if not waiting:
                return
            try:
                vectors = await self._embedder.embed([text.text for text in waiting])
            except RookeryError as error:
                self.summary.embedding_failed = error.message
                logger.warning("texts stay without vectors until the next import: %s", error)
                return
            ids = [text.content_id for text in waiting]
            await self._writer.put_vectors(self._release, self._embedder.model, ids, vectors)
            self.summary.embedded += len(waiting)
            self._report("embedded", self.summary.embedded)


def _record(page: RawPage, article: Article, digest: bytes) -> PageRecord:
    title = article.title.replace("`", "") or _name(page.path)
    article.title = title
    article.blocks = article.blocks or [Block("heading", title, 1)]
    return PageRecord(
        path=page.path,
        url=page.url,
        title=title,
        digest=digest,
        passages=tuple(passages_of(article)),
        contents=tuple(article.contents),
        description=article.description,
        kind=kind_of(page.path, title),
        etag=page.etag,
        last_modified=page.last_modified,
    )


def _name(path: str) -> str:
    """What to call a page without title: its file, and the folder that tells it from others of that name."""
    return " / ".join(names_of(path)[-2:]) or path


def clean(article: Article) -> Article:
    """The article without what PostgreSQL cannot store: null characters and lone surrogates."""
    article.title = _storable(article.title)
    article.contents = [_storable(title) for title in article.contents]
    article.description = _storable(article.description) if article.description else None
    for block in article.blocks:
        block.text = _storable(block.text)
        block.anchor = _storable(block.anchor) if block.anchor else None
        block.inner = [_storable(name) for name in block.inner]
        block.terms = [_storable(term) for term in block.terms]
    return article


def _storable(text: str) -> str:
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


async def delivered(pages: list[Delivered]) -> AsyncIterable[Delivered]:
    """A list as an import takes it."""
    for page in pages:
        yield page
        await asyncio.sleep(0)
