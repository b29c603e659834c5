"""What a site says its pages are: sitemaps (nested, compressed) and llms.txt."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urljoin

from rookery_core.errors import InvalidInput
from rookery_core.foreign.addresses import Scope
from rookery_core.foreign.archives import gunzip
from rookery_core.foreign.files import NotOpened
from rookery_core.foreign.limits import MAX_SITEMAPS
from rookery_core.foreign.web import parse_date
from rookery_ingest.docs.formats.tree import etree
from rookery_ingest.docs.web import Guest

_MARKDOWN_LINK = re.compile(r"\[[^\]]*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")


@dataclass(frozen=True, slots=True)
class Listed:
    """A page that a site lists. changed: when the site says it last did."""

    url: str
    changed: datetime | None = None


async def sitemap_pages(guest: Guest, url: str, *, named: bool = False) -> AsyncIterator[Listed]:
    """The pages of a sitemap and of those it names on the same host. named: by the operator, who may name any host.

    Raises InvalidInput when it is none.
    """
    waiting, seen = [url], set[str]()
    scope = Scope.of(url, whole_host=True)
    while waiting:
        current = waiting.pop(0)
        if current in seen or not (scope.holds(current) or current == url):
            continue
        seen.add(current)
        if len(seen) > MAX_SITEMAPS:
            raise InvalidInput(f"{url}: names more than {MAX_SITEMAPS} sitemaps.")
        answer = await guest.fetch(current, scope=None if named and current == url else scope)
        root = _parse(current, answer.data)
        nested = etree.QName(root).localname == "sitemapindex"
        for entry in root:
            location = _joined(answer.url, _child(entry, "loc"))
            if location and nested:
                waiting.append(location)
            elif location:
                yield Listed(location, parse_date(_child(entry, "lastmod")))


async def find_sitemaps(guest: Guest, url: str, scope: Scope) -> list[str]:
    """Where the sitemaps of a URL's site are: as robots.txt says, on the same host, else at the usual place."""
    robots = await guest.robots(url)
    named = [str(entry) for entry in robots.sitemaps] if robots is not None else []
    if own := [entry for entry in named if scope.same_host(entry)]:
        return own
    return list(
        dict.fromkeys(
            [urljoin(url if url.endswith("/") else url + "/", "sitemap.xml"), urljoin(url, "/sitemap.xml")]
        )
    )


def linked_pages(text: str, base: str) -> list[Listed]:
    """The pages that an llms.txt links to."""
    found = [_joined(base, target.partition("#")[0]) for target in _MARKDOWN_LINK.findall(text)]
    return [Listed(url) for url in dict.fromkeys(found) if url and url.startswith(("http://", "https://"))]


def _joined(base: str, target: str | None) -> str | None:
    try:
        return urljoin(base, target) if target else None
    except ValueError:
        return None


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
