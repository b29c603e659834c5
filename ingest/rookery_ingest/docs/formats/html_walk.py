"""Walks HTML from top to bottom and makes blocks of it."""

from __future__ import annotations

from typing import Any

from rookery_ingest.docs.formats.article import Block, without_number, without_number_in_title
from rookery_ingest.docs.formats.html_definitions import definition_blocks
from rookery_ingest.docs.formats.html_inline import Inline, classes, inline, visible_children
from rookery_ingest.docs.formats.html_units import code_block, table_block

_HEADINGS = {"h1": 1, "h2": 2, "h3": 3, "h4": 4, "h5": 5, "h6": 6}
_CONTAINERS = {
    "html", "body", "div", "section", "article", "main", "aside", "center", "figure", "details", "span", "fieldset", "form",
    "header", "hgroup", "picture", "dd", "li", "td", "th", "tr", "tbody", "blockquote",
}  # fmt: skip
_DROPPED_TAGS = {
    "nav", "footer", "script", "style", "noscript", "template", "head", "aside", "button", "svg", "hr",
}  # fmt: skip
_DROPPED_CLASSES = {
    "navheader", "navfooter", "toc", "sphinxsidebar", "related", "breadcrumb", "breadcrumbs", "sidebar", "pagination",
    "table-of-contents", "edit-page", "feedback", "navbar",
}  # fmt: skip
_ADMONITIONS = {
    "note", "tip", "warning", "caution", "important", "admonition", "callout", "alert", "hint", "danger",
}  # fmt: skip
_INLINE_HOLDERS = {"a", "abbr", "b", "cite", "code", "del", "em", "i", "ins", "kbd", "mark", "q", "s", "samp", "small",
                   "strong", "sub", "sup", "tt", "u", "var", "font", "label", "time", "img", "br"}  # fmt: skip


class Walk:
    """Collects blocks. Ids met on the way belong to the next block that can carry one."""

    def __init__(self, *, top: int | None = None) -> None:
        """top: the level above the first heading; None: the first one met is the page's title."""
        self.blocks: list[Block] = []
        self._pending: list[str] = []
        self._loose: Inline | None = None
        self._top = top

    def finish(self) -> list[Block]:
        """The blocks, once everything is walked."""
        self._end_loose()
        return [block for block in self.blocks if block.text.strip()]

    def container(self, element: Any) -> None:
        """Walk the children of an element that only holds others, and the loose text between them."""
        self._loose_text(element.text)
        for child in element:
            if isinstance(child.tag, str):
                self._visit(child)
            self._loose_text(child.tail)
        self._end_loose()

    def _visit(self, element: Any) -> None:
        tag = element.tag
        if _is_beside_the_point(element):
            return
        if tag in _INLINE_HOLDERS or (tag == "span" and not _holds_blocks(element)):
            self._loose_inline(element)
            return
        self._end_loose()
        anchor = element.get("id")
        if anchor and tag not in _HEADINGS:
            self._pending.append(anchor)
        self._block(tag, element)

    def _block(self, tag: str, element: Any) -> None:
        if tag in _HEADINGS:
            self._heading(element)
        elif tag == "pre" or _is_highlighted(element):
            self._place(code_block(element))
        elif tag == "table":
            self._table(element)
        elif tag == "dl":
            self._definitions(element)
        elif tag in ("ul", "ol"):
            self._items(element, ordered=tag == "ol")
        elif tag in _CONTAINERS or _holds_blocks(element):
            self.container(element)
        elif "admonition-title" in classes(element):
            self._place(Block("text", f"**{inline(element).text()}**"))
        else:
            self._paragraph(element)

    def _heading(self, element: Any) -> None:
        found = inline(element)
        text = without_number(found.text())
        if not text:
            return
        if _is_admonition(element.getparent()):
            self._place(Block("text", f"**{text}**"))
            return
        depth = self._depth(_HEADINGS[element.tag])
        own = element.get("id") or _target_of_permalink(element)
        anchors = [*self._pending, *found.anchors]
        anchor = own or next(iter(self._pending), None) or next(iter(found.anchors), None)
        self._pending = []
        self.blocks.append(
            Block(
                "heading",
                text,
                depth,
                anchor,
                [name for name in anchors if name != anchor],
                links=found.links,
            )
        )

    def _depth(self, level: int) -> int:
        """1 for the first heading, which is the page's title, and more for all others, also where its sections have the
        title's own level."""
        if self._top is None:
            self._top = level
            return 1
        self._top = min(self._top, level - 1)
        return level - self._top + 1

    def _paragraph(self, element: Any) -> None:
        found = inline(element)
        parent = element.getparent()
        purpose = parent is not None and "refnamediv" in classes(parent)
        self._place(_text_block(found, purpose=purpose))

    def _table(self, element: Any) -> None:
        if element.find(".//tr") is None or _is_layout(element):
            self.container(element)
        else:
            self._place(table_block(element))

    def _definitions(self, element: Any) -> None:
        for block in definition_blocks(element, _inside):
            self._place(block)

    def _items(self, element: Any, *, ordered: bool) -> None:
        start = element.get("start") or ""
        for number, child in enumerate(visible_children(element), int(start) if start.isdigit() else 1):
            self._item(child, f"{number}. " if ordered else "- ")

    def _item(self, element: Any, mark: str) -> None:
        parts = _inside(element)
        if not parts:
            return
        if element.get("id"):
            self._pending.append(element.get("id"))
        kind = "item" if all(part.kind in ("text", "item", "heading") for part in parts) else "definition"
        body = "\n\n".join(part.text for part in parts)
        text = mark + body.replace("\n", "\n" + " " * len(mark))
        block = Block(kind, "\n".join(line.rstrip() for line in text.split("\n")))
        for part in parts:
            block.terms += part.terms
            block.links += part.links
            block.inner += [name for name in [part.anchor, *part.inner] if name]
        self._place(block)

    def _place(self, block: Block) -> None:
        """Append a block; ids that stood before it become its own."""
        if not block.text.strip():
            return
        if self._pending:
            block.anchor = block.anchor or self._pending[0]
            block.inner += [name for name in self._pending if name != block.anchor]
            self._pending = []
        self.blocks.append(block)

    def _loose_text(self, text: str | None) -> None:
        if text and text.strip():
            self._loose = self._loose or Inline()
            self._loose.parts.append(text)
        elif text and self._loose:
            self._loose.parts.append(" ")

    def _loose_inline(self, element: Any) -> None:
        if not "".join(element.itertext()).strip() and (anchor := element.get("id") or element.get("name")):
            self._pending.append(anchor)
            return
        self._loose = self._loose or Inline()
        self._loose.take(element)

    def _end_loose(self) -> None:
        if self._loose is not None:
            found, self._loose = self._loose, None
            self._place(_text_block(found))


def _inside(element: Any) -> list[Block]:
    """The blocks of an item or a description, whose headings begin no section of the page."""
    walk = Walk(top=0)
    walk.container(element)
    return walk.finish()


def _text_block(found: Inline, *, purpose: bool = False) -> Block:
    terms = [without_number(term) for term in found.terms]
    text = without_number_in_title(found.text())
    return Block("text", text, inner=found.anchors, terms=terms, links=found.links, purpose=purpose)


def _target_of_permalink(element: Any) -> str | None:
    for link in element.iter("a"):
        target = link.get("href") or ""
        if target.startswith("#") and len(target) > 1:
            return target[1:]
    return None


def _is_highlighted(element: Any) -> bool:
    """A listing in the box that Sphinx and others colour it in."""
    return element.tag == "div" and element.find("./pre") is not None and "highlight" in classes(element)


def _holds_blocks(element: Any) -> bool:
    return any(
        child.tag in ("p", "div", "pre", "table", "ul", "ol", "dl", "section", "blockquote", *_HEADINGS)
        for child in element.iter()
        if child is not element
    )


def _is_beside_the_point(element: Any) -> bool:
    """Navigation and what else frames a page."""
    if element.tag == "aside":
        return not classes(element) & _ADMONITIONS
    return (
        element.tag in _DROPPED_TAGS
        or bool(classes(element) & _DROPPED_CLASSES)
        or element.get("role") == "navigation"
    )


def _is_admonition(element: Any) -> bool:
    """A box beside the text: its heading says what kind of box it is and begins no section."""
    return element is not None and bool(classes(element) & _ADMONITIONS)


def _is_layout(element: Any) -> bool:
    """A table that only arranges things on the page: admonitions, navigation, numbered callouts."""
    if element.get("role") == "presentation" or classes(element) & {"highlighttable", "layout"}:
        return True
    return element.find(".//table") is not None
