"""A website as a source: by its sitemap, else by following links below a URL; only what has changed is read.

Each page is fetched once. It is stored under the address where it is in the end: after redirects, and as its canonical
link says, both within the site.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

from rookery_core.errors import InvalidInput, RookeryError, Unavailable
from rookery_core.foreign.addresses import AddressRefused, Scope, parsed, segments
from rookery_core.foreign.web import Fetched
from rookery_core.telemetry import get_logger
from rookery_docs.store.writer import KnownPage
from rookery_ingest.docs.formats.reading import format_of
from rookery_ingest.docs.formats.tree import html
from rookery_ingest.docs.raw import Delivered, LeftOut, RawPage, Unchanged, Unreadable
from rookery_ingest.docs.sitemap import Listed, find_sitemaps, sitemap_pages
from rookery_ingest.docs.web import Guest, NotGiven

logger = get_logger(__name__)
_BY_TYPE = {
    "text/html": "html",
    "application/xhtml+xml": "html",
    "text/markdown": "markdown",
    "text/x-markdown": "markdown",
    "text/plain": "text",
    "application/pdf": "pdf",
}


@dataclass(slots=True)
class Site:
    """What of a site is wanted. start: only URLs below it. follow: by its links, whatever its sitemap says.
    complete: whether all of it was seen."""

    start: str
    sitemap: str | None = None
    most_pages: int = 10_000
    follow: bool = False
    complete: bool = True
    moved: bool = False
    opened: Fetched | RookeryError | None = None
    scope: Scope = field(init=False)

    def __post_init__(self) -> None:
        self.scope = Scope.of(self.start)

    def path_of(self, url: str) -> str | None:
        """The page's path within the source, None when the URL is not wanted."""
        if not self.scope.holds(url):
            return None
        parts = parsed(url)
        path = "/".join(segments(parts.path)[len(self.scope.below) :])
        return (path or "index") + (f"?{parts.query}" if parts.query else "")

    async def open(self, guest: Guest) -> None:
        """Fetch the start. Where it redirects to another host or path, the site is read there."""
        try:
            self.opened = await guest.fetch(self.start)
        except RookeryError as error:
            self.opened = error
            return
        if not self.scope.holds(self.opened.url):
            self._move(self.opened.url)

    def _move(self, url: str) -> None:
        """The same path at the other host where the redirect keeps it, else the folder of the page it leads to."""
        parts, there = urlsplit(self.start), parsed(url)
        keeps = segments(there.path)[: len(self.scope.below)] == self.scope.below
        path = parts.path or "/" if keeps else there.path.rpartition("/")[0] + "/"
        moved = f"{there.scheme}://{there.netloc}{path}"
        logger.warning("%s redirects to %s: the site is read there.", self.start, moved)
        self.start, self.moved, self.scope = moved, True, Scope.of(moved)


async def read_site(guest: Guest, site: Site, known: Mapping[str, KnownPage]) -> AsyncIterator[Delivered]:
    """The site's pages. Sets `site.complete` to False when there were more, or the listing broke off."""
    if site.opened is None:
        await site.open(guest)
    crawl = _Crawl(guest, site, {} if site.moved else known)
    async for page in crawl.listed_pages():
        yield page
    if crawl.count == 0:
        if isinstance(site.opened, RookeryError):
            raise site.opened
        async for page in crawl.followed_pages():
            yield page


async def read_links(
    guest: Guest, site: Site, known: Mapping[str, KnownPage], pages: list[Listed]
) -> AsyncIterator[Delivered]:
    """Pages that are listed beforehand, such as those of an llms.txt, on any public host."""
    delivered: set[str] = set()
    for page in pages[: site.most_pages]:
        path = site.path_of(page.url) or page.url
        scope = Scope.of(page.url, whole_host=True)
        item, _ = await fetch_page(guest, page, path, known.get(path), scope)
        if isinstance(item, RawPage):
            item = _placed(item, site.path_of(item.url) or item.url)
        if item.path not in delivered:
            delivered.add(item.path)
            yield item
    site.complete = len(pages) <= site.most_pages


class _Crawl:
    """One reading of a site. count: pages that were wanted."""

    def __init__(self, guest: Guest, site: Site, known: Mapping[str, KnownPage]) -> None:
        self.count = 0
        self._guest, self._site, self._known = guest, site, known
        self._delivered: set[str] = set()
        self._has_sitemap = False

    async def listed_pages(self) -> AsyncIterator[Delivered]:
        """The pages that the sitemap lists below the start."""
        async for page in self._listed():
            path = self._site.path_of(page.url)
            if path is None or path in self._delivered:
                continue
            if self._is_full():
                return
            item, _ = await self._fetch(page, path, self._known.get(path))
            if item is not None:
                yield item
        if (self._has_sitemap or self._site.sitemap) and self.count == 0:
            raise InvalidInput(
                f"{self._site.start}: the sitemap lists no page below this URL.",
                hint="Check URL and --sitemap.",
            )

    async def followed_pages(self) -> AsyncIterator[Delivered]:
        """Pages found by following links from the start, breadth first."""
        waiting, seen = deque([self._site.start]), {self._site.start}
        while waiting:
            url = waiting.popleft()
            path = self._site.path_of(url)
            if path is None or path in self._delivered:
                continue
            if self._is_full():
                return
            # without conditions: a page that is not sent again would not show its links
            item, answer = await self._fetch(Listed(url), path, None)
            if isinstance(item, Unreadable):
                item = Unreadable(item.path, item.reason, hides=True)
            if item is not None:
                yield item
            for link in _links(answer) if answer is not None and _format(answer) == "html" else []:
                if link not in seen and self._site.path_of(link) is not None:
                    seen.add(link)
                    waiting.append(link)
            if len(seen) > self._site.most_pages * 2:
                self._site.complete = False
                return

    def _is_full(self) -> bool:
        if self.count >= self._site.most_pages:
            self._site.complete = False
            return True
        self.count += 1
        return False

    async def _fetch(
        self, page: Listed, path: str, known: KnownPage | None
    ) -> tuple[Delivered | None, Fetched | None]:
        """A page, None where its final address was delivered already; and what was answered."""
        item, answer = await fetch_page(
            self._guest, page, path, known, self._site.scope, self._opened_start(page.url)
        )
        if isinstance(item, RawPage):
            item = _placed(item, self._site.path_of(item.url) or path)
        if item.path in self._delivered:
            return None, answer
        self._delivered.add(item.path)
        return item, answer

    def _opened_start(self, url: str) -> Fetched | RookeryError | None:
        """What the start answered, where a URL is the start."""
        opened = self._site.opened
        return opened if url in (self._site.start, getattr(opened, "url", None)) else None

    async def _listed(self) -> AsyncIterator[Listed]:
        site = self._site
        if site.follow:
            return
        for url in (
            [site.sitemap] if site.sitemap else await find_sitemaps(self._guest, site.start, site.scope)
        ):
            try:
                async for page in sitemap_pages(self._guest, url, named=bool(site.sitemap)):
                    self._has_sitemap = True
                    yield page
            except Unavailable as error:
                site.complete = False
                if self.count == 0:
                    raise
                logger.warning("the sitemap broke off: %s", error.message)
            except InvalidInput:
                if site.sitemap:
                    raise


async def fetch_page(
    guest: Guest,
    page: Listed,
    path: str,
    known: KnownPage | None,
    scope: Scope,
    opened: Fetched | RookeryError | None = None,
) -> tuple[Delivered, Fetched | None]:
    """One page, or that it is unchanged, or why it cannot be had; and what was answered. opened: what was fetched before."""
    if known is not None and page.changed and known.last_modified and page.changed <= known.last_modified:
        return Unchanged(path), None
    try:
        if isinstance(opened, RookeryError):
            raise opened
        answer = opened or await guest.fetch(
            page.url,
            scope=scope,
            etag=known.etag if known else None,
            last_modified=known.last_modified if known else None,
        )
    except (NotGiven, AddressRefused) as error:
        return LeftOut(path, error.message), None
    except RookeryError as error:
        return Unreadable(path, error.message), None
    if answer.status == 304:
        return Unchanged(path), answer
    return _delivered(answer, path, page.changed, scope), answer


def _delivered(answer: Fetched, path: str, changed: datetime | None, scope: Scope) -> Delivered:
    format_name = _format(answer)
    if format_name is None:
        return LeftOut(path, f"{answer.content_type or 'unknown type'} is no documentation")
    url = (_canonical(answer, scope) if format_name == "html" else None) or answer.url
    return RawPage(
        path,
        url,
        format_name,
        answer.data,
        answer.etag,
        answer.last_modified or changed,
        answer.url,
        answer.charset,
    )


def _placed(page: RawPage, path: str) -> RawPage:
    """The page under the path of its final address."""
    return replace(page, path=path)


def _canonical(answer: Fetched, scope: Scope) -> str | None:
    """The address that a page gives as its own, within the site. Templates that name the start on each page are not believed."""
    root = _document(answer)
    if root is None:
        return None
    for link in root.xpath("//link[@href]"):
        if "canonical" in (link.get("rel") or "").lower().split():
            url = _joined(_base(root, answer), link.get("href"))
            if url and scope.holds(url):
                return url if _is_believed(urlsplit(answer.url), urlsplit(url), scope) else None
            return None
    return None


def _is_believed(own: SplitResult, named: SplitResult, scope: Scope) -> bool:
    """Whether a canonical link can be right: one to the start, from another page, comes of a template."""
    path = segments(own.path)
    if path and path[-1].partition(".")[0] in ("index", "default"):
        path = path[:-1]
    return segments(named.path) != scope.below or path == scope.below


def _links(answer: Fetched) -> list[str]:
    root = _document(answer)
    if root is None:
        return []
    base = _base(root, answer)
    found = [_joined(base, link) for link in root.xpath("//a[not(contains(@rel,'nofollow'))]/@href")]
    return [link for link in dict.fromkeys(found) if link]


def _document(answer: Fetched) -> Any:
    try:
        return html.document_fromstring(answer.data)
    except (ValueError, html.etree.ParserError):
        return None


def _base(root: Any, answer: Fetched) -> str:
    """What the links of a page are relative to."""
    bases = root.xpath("//base/@href")
    return (_joined(answer.url, bases[0]) if bases else None) or answer.url


def _joined(base: str, link: str) -> str | None:
    """A link as an address without fragment; None for what cannot be fetched."""
    try:
        url = urljoin(base, link.strip()).partition("#")[0]
    except ValueError:
        return None
    return url if url.startswith(("http://", "https://")) else None


def _format(answer: Fetched) -> str | None:
    by_name = format_of(urlsplit(answer.url).path)
    return (
        by_name if by_name in ("markdown", "rst", "asciidoc") else _BY_TYPE.get(answer.content_type, by_name)
    )
