"""Exact links to places in pages, and back."""

from __future__ import annotations

from urllib.parse import quote, unquote, urldefrag


def url_of(page_url: str, anchor: str | None) -> str:
    """The URL of a place in a page. An anchor that is in the page's URL already is replaced."""
    if not anchor:
        return page_url
    return urldefrag(page_url).url + "#" + quote(anchor, safe="!$&'()*+,;=:@/?-._~")


def split_anchor(reference: str) -> tuple[str, str | None]:
    """A page's name or URL without its anchor, and the anchor."""
    page, _, anchor = reference.strip().partition("#")
    return page, unquote(anchor) or None


def spellings(url: str) -> list[str]:
    """The ways one URL is written: http or https, with or without a slash or .html at its end, PostgreSQL's current."""
    found = [url]
    for scheme, other in (("http://", "https://"), ("https://", "http://")):
        if url.startswith(scheme):
            found.append(other + url.removeprefix(scheme))
    more: list[str] = []
    for each in found:
        bare = each.rstrip("/")
        more += [each, bare, bare + "/", bare + ".html", bare.removesuffix(".html"), bare + "/index.html"]
        more.append(each.removesuffix("index.html"))
    return list(dict.fromkeys(more))
