"""A website as a source: by its sitemap, else by following links below a URL; only what has changed is read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urljoin, urlsplit

from rookery_core.errors import InvalidInput, RookeryError, Unavailable
from rookery_docs.store.writing import KnownPage
from rookery_ingest.docs.formats.reading import format_of
from rookery_ingest.docs.formats.tree import html
from rookery_ingest.docs.raw import Delivered, LeftOut, RawPage, Unchanged, Unreadable
from rookery_ingest.docs.sitemap import Listed, find_sitemaps, sitemap_pages
from rookery_ingest.docs.web import Fetched, Guest, NotGiven

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
    """What of a site is wanted. start: only URLs that begin with it. follow: by its links, whatever its sitemap says.
    complete: whether all of it was seen."""

    start: str
    sitemap: str | None = None
    most_pages: int = 10_000
    follow: bool = False
    complete: bool = True

    def path_of(self, url: str) -> str | None:
        """The page's path within the source, None when the URL is not wanted."""
        wanted, given = urlsplit(self.start), urlsplit(url)
        if given.netloc.lower() != wanted.netloc.lower() or not given.path.startswith(
            wanted.path.rstrip("/")
        ):
            return None
        path = unquote(given.path.removeprefix(wanted.path)).strip("/")
        return (path or "index") + (f"?{given.query}" if given.query else "")


async def read_site(guest: Guest, site: Site, known: Mapping[str, KnownPage]) -> AsyncIterator[Delivered]:
    """The site's pages. Sets `site.complete` to False when there were more, or the listing broke off."""
    count = 0
    listing = _listed(guest, site)
    try:
        async for page in listing:
            path = site.path_of(page.url)
            if path is None:
                continue
            if count >= site.most_pages:
                site.complete = False
                return
            count += 1
            yield await fetch_page(guest, page, path, known.get(path))
    except Unavailable:
        site.complete = False
        raise
    if count == 0:
        raise InvalidInput(
            f"{site.start}: the sitemap lists no page below this URL.", hint="Check URL and --sitemap."
        )


async def read_links(
    guest: Guest, site: Site, known: Mapping[str, KnownPage], pages: list[Listed]
) -> AsyncIterator[Delivered]:
    """Pages that are listed beforehand, such as those of an llms.txt, wherever they are."""
    for page in pages[: site.most_pages]:
        path = site.path_of(page.url) or page.url
        yield await fetch_page(guest, page, path, known.get(path))
    site.complete = len(pages) <= site.most_pages


async def fetch_page(guest: Guest, page: Listed, path: str, known: KnownPage | None) -> Delivered:
    """One page, or that it is unchanged, or why it cannot be had."""
    if known is not None and page.changed and known.last_modified and page.changed <= known.last_modified:
        return Unchanged(path)
    try:
        answer = await guest.fetch(
            page.url, etag=known.etag if known else None, last_modified=known.last_modified if known else None
        )
    except NotGiven as error:
        return LeftOut(path, error.message)
    except RookeryError as error:
        return Unreadable(path, error.message)
    if answer.status == 304:
        return Unchanged(path)
    format_name = _format(answer)
    if format_name is None:
        return LeftOut(path, f"{answer.content_type or 'unknown type'} is no documentation")
    return RawPage(
        path,
        page.url,
        format_name,
        answer.data,
        answer.etag,
        answer.last_modified or page.changed,
        origin=page.url,
    )


async def _listed(guest: Guest, site: Site) -> AsyncIterator[Listed]:
    candidates = (
        [] if site.follow else [site.sitemap] if site.sitemap else await find_sitemaps(guest, site.start)
    )
    found = False
    for url in candidates:
        try:
            async for page in sitemap_pages(guest, url):
                found = True
                yield page
        except InvalidInput:
            if site.sitemap:
                raise
    if not found and not site.sitemap:
        async for page in _followed(guest, site):
            yield page


async def _followed(guest: Guest, site: Site) -> AsyncIterator[Listed]:
    """Pages found by following links from the start, breadth first."""
    waiting, seen = [site.start], {site.start}
    while waiting:
        url = waiting.pop(0)
        yield Listed(url)
        try:
            answer = await guest.fetch(url)
        except RookeryError:
            continue
        if _format(answer) != "html":
            continue
        for link in _links(answer):
            if link not in seen and site.path_of(link) is not None:
                seen.add(link)
                waiting.append(link)
        if len(seen) > site.most_pages * 2:
            site.complete = False
            return


def _links(answer: Fetched) -> list[str]:
    try:
        root = html.document_fromstring(answer.data)
    except (ValueError, html.etree.ParserError):
        return []
    found = [
        urljoin(answer.url, link.partition("#")[0])
        for link in root.xpath("//a[not(contains(@rel,'nofollow'))]/@href")
    ]
    return [link for link in dict.fromkeys(found) if link.startswith(("http://", "https://"))]


def _format(answer: Fetched) -> str | None:
    by_name = format_of(urlsplit(answer.url).path)
    return (
        by_name if by_name in ("markdown", "rst", "asciidoc") else _BY_TYPE.get(answer.content_type, by_name)
    )
