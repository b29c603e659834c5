"""Reads HTML: the content of a page without its navigation, as blocks."""

from __future__ import annotations

from typing import Any

from rookery_ingest.docs.formats.article import Article, without_number
from rookery_ingest.docs.formats.html_inline import squeeze
from rookery_ingest.docs.formats.html_walk import Walk
from rookery_ingest.docs.formats.tree import etree, html

_CONTENT = (
    "//*[@id='docContent']",
    "//main",
    "//*[@role='main']",
    "//article",
    "//*[@id='content' or @id='main-content' or @id='main']",
)
_MINIMUM_SHARE = 0.3
_MOST_CONTENTS = 200


def read_html(data: bytes | str) -> Article:
    """The article of an HTML page. Broken markup is read as browsers do; an empty page gives no blocks."""
    root = parsed(data)
    if root is None:
        return Article(title="", blocks=[])
    return article_of(root)


def article_of(root: Any) -> Article:
    """The article of a parsed page or of a tree that another reader built in HTML's vocabulary."""
    walk = Walk()
    content = _content(root)
    walk.container(content)
    blocks = walk.finish()
    heading = next((block.text for block in blocks if block.kind == "heading"), "")
    title = heading or squeeze(root.findtext(".//title") or "")
    return Article(title, blocks, _meta(root, "description"), _canonical(root), _contents(content))


def _contents(content: Any) -> list[str]:
    """What a table of contents within the page calls the other pages that it leads to."""
    links = content.xpath(".//*[contains(concat(' ', normalize-space(@class), ' '), ' toc ')]//a[@href]")
    away = [link for link in links if not link.get("href").startswith("#")]
    titles = [without_number(squeeze(link.text_content())) for link in away[:_MOST_CONTENTS]]
    return list(dict.fromkeys(title for title in titles if title))


def parsed(data: bytes | str) -> Any:
    """The tree of an HTML page, None for an empty one. Bytes are UTF-8 where the page does not say otherwise."""
    encoding: str | None = None
    if isinstance(data, str):
        data, encoding = data.encode("utf-8", "surrogatepass"), "utf-8"
    if not data.strip():
        return None
    if encoding is None and b"charset" not in data[:2048].lower() and b"encoding=" not in data[:200].lower():
        encoding = "utf-8"
    parser = html.HTMLParser(encoding=encoding, remove_comments=True, remove_pis=True, huge_tree=True)
    try:
        return html.document_fromstring(data, parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError, LookupError):
        return None


def _content(root: Any) -> Any:
    """The element that holds the page's own words: the smallest usual container that holds enough of them."""
    body = root.find(".//body")
    body = root if body is None else body
    total = len("".join(body.itertext())) or 1
    for path in _CONTENT:
        for element in root.xpath(path):
            if len("".join(element.itertext())) >= total * _MINIMUM_SHARE:
                return element
    return body


def _meta(root: Any, name: str) -> str | None:
    found = root.xpath("//meta[translate(@name,'DESCRIPTON','descripton')=$name]/@content", name=name)
    return squeeze(str(found[0])) or None if found else None


def _canonical(root: Any) -> str | None:
    found = root.xpath("//link[@rel='canonical']/@href")
    return str(found[0]) if found else None
