"""Terms with their descriptions: a term and what is said of it stay together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from rookery_docs.anchors import is_generated
from rookery_ingest.docs.formats.article import Block
from rookery_ingest.docs.formats.html_inline import Inline, inline, visible_children

Read = Callable[[Any], list[Block]]
"""Makes blocks of what is inside an element."""


def definition_blocks(element: Any, read: Read) -> Iterator[Block]:
    """One block for each term, or run of terms, with its description, which `read` reads."""
    titles: list[Any] = []
    for child in _entries(element):
        if child.tag == "dt":
            titles.append(child)
        elif child.tag == "dd":
            yield _definition(titles, child, read)
            titles = []
    if titles:
        yield _definition(titles, None, read)


def _entries(element: Any) -> Iterator[Any]:
    for child in visible_children(element):
        if child.tag == "div":  # HTML allows a div around each group
            yield from _entries(child)
        else:
            yield child


def _definition(titles: list[Any], description: Any | None, read: Read) -> Block:
    found = [inline(title) for title in titles]
    body = read(description) if description is not None else []
    head = "\n".join(f"**{item.text().replace('**', '')}**" for item in found if item.text())
    text = "\n\n".join(part for part in [head, *(block.text for block in body)] if part)
    anchors = _anchors(titles, found, description)
    block = Block("definition", text, anchor=next((name for name in anchors if not is_generated(name)), None))
    for item in found:
        block.terms += [item.text().replace("`", "").replace("**", ""), *item.codes]
        block.links += item.links
    for part in body:
        block.terms += part.terms
        block.links += part.links
        anchors += [name for name in [part.anchor, *part.inner] if name]
    block.inner = [name for name in dict.fromkeys(anchors) if name != block.anchor]
    return block


def _anchors(titles: list[Any], found: list[Inline], description: Any | None) -> list[str]:
    names = [title.get("id") for title in titles if title.get("id")]
    for item in found:
        names += item.anchors
    if description is not None and description.get("id"):
        names.append(description.get("id"))
    return names
