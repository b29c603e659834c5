"""What a site says its pages are: sitemaps (nested, compressed) and llms.txt."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urljoin

from rookery_core.errors import InvalidInput
from rookery_core.foreign.archives import gunzip
from rookery_core.foreign.files import NotOpened
from rookery_ingest.docs.formats.tree import etree
from rookery_ingest.docs.web import Guest, parse_date

MOST_SITEMAPS = 500
_MARKDOWN_LINK = re.compile(r"\[[^\]]*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")


@dataclass(frozen=True, slots=True)
class Listed:
    """A page that a site lists. changed: when the site says it last did."""

    url: str
    changed: datetime | None = None


async def sitemap_pages(guest: Guest, url: str) -> AsyncIterator[Listed]:
    """The pages of a sitemap and of those it names. Raises InvalidInput when it is none."""
    waiting, seen = [url], set[str]()
    while waiting:
        current = waiting.pop(0)
        if current in seen:
            continue
        seen.add(current)
        if len(seen) > MOST_SITEMAPS:
            raise InvalidInput(f"{url}: names more than {MOST_SITEMAPS} sitemaps.")
        root = _parse(current, (await guest.fetch(current)).data)
        nested = etree.QName(root).localname == "sitemapindex"
        for entry in root:
            location = _child(entry, "loc")
            if location and nested:
                waiting.append(urljoin(current, location))
            elif location:
                yield Listed(urljoin(current, location), parse_date(_child(entry, "lastmod")))


async def find_sitemaps(guest: Guest, url: str) -> list[str]:
    """Where the sitemaps of a URL's site are: as robots.txt says, else at the usual place."""
    robots = await guest.robots(url)
    named = [str(entry) for entry in robots.sitemaps] if robots is not None else []
    if named:
        return named
    return list(
        dict.fromkeys(
            [urljoin(url if url.endswith("/") else url + "/", "sitemap.xml"), urljoin(url, "/sitemap.xml")]
        )
    )


def linked_pages(text: str, base: str) -> list[Listed]:
    """The pages that an llms.txt links to."""
    found = [urljoin(base, target.partition("#")[0]) for target in _MARKDOWN_LINK.findall(text)]
    return [Listed(url) for url in dict.fromkeys(found) if url.startswith(("http://", "https://"))]


def _parse(url: str, data: bytes) -> Any:
    if data[:2] == b"\x1f\x8b":
        try:
            data = gunzip(data)
        except NotOpened as error:
            raise InvalidInput(f"{url}: {error.message}.") from None
    parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True)
    try:
        root = etree.fromstring(data, parser=parser)
    except etree.XMLSyntaxError:
        root = None
    if root is None or etree.QName(root).localname not in ("urlset", "sitemapindex"):
        raise InvalidInput(f"{url}: not a sitemap.")
    return root


def _child(entry: Any, name: str) -> str | None:
    for child in entry:
        if isinstance(child.tag, str) and etree.QName(child).localname == name:
            return (child.text or "").strip() or None
    return None
