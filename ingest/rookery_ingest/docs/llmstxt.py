"""llms.txt (a list of links) and llms-full.txt (all pages in one file)."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator

from rookery_core.foreign.addresses import Scope
from rookery_ingest.docs.formats.slugs import Slugs
from rookery_ingest.docs.raw import Delivered, RawPage

_PAGE = re.compile(r"^#[ \t]+(\S.*?)[ \t]*$", re.MULTILINE)
_FENCE = re.compile(r"^ {0,3}(```+|~~~+).*?^ {0,3}\1[ \t]*$", re.MULTILINE | re.DOTALL)
_SOURCE = re.compile(r"^(?:Source|URL|url|Link):\s*<?(https?://\S+?)>?\s*$", re.MULTILINE)


async def read_full(text: str, url: str) -> AsyncIterator[Delivered]:
    """The pages of an llms-full.txt: one for each top heading, with the URL of the same host that stands below it if one does."""
    slugs, scope = Slugs(), Scope.of(url)
    for title, body in split_pages(text):
        source = _SOURCE.search(body[:600])
        named = source.group(1) if source and scope.same_host(source.group(1)) else None
        page_url = named or f"{url}#{slugs.slug(title)}"
        yield RawPage(slugs_path(page_url, url, title), page_url, "markdown", body.encode())


def split_pages(text: str) -> Iterator[tuple[str, str]]:
    """(title, text) of each top heading's page; headings inside code are none."""
    code = [match.span() for match in _FENCE.finditer(text)]
    starts = [
        match
        for match in _PAGE.finditer(text)
        if not any(begin <= match.start() < end for begin, end in code)
    ]
    ends = [match.start() for match in starts[1:]] + [len(text)]
    for match, end in zip(starts, ends, strict=True):
        yield match.group(1), text[match.start() : end]


def slugs_path(page_url: str, url: str, title: str) -> str:
    """The path of such a page: its own URL without host, else its anchor."""
    if page_url.startswith(url + "#"):
        return page_url.removeprefix(url + "#") or title
    return page_url.split("://", 1)[-1].partition("/")[2].strip("/") or title
