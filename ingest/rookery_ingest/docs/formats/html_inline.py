"""The words inside a paragraph, cell or term: Markdown text, and what it emphasises, names and links to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from rookery_ingest.docs.formats.article import Link

_SPACE = re.compile(r"[ \t\r\n\f\u00a0\u200b]+")
_CODE = {"code", "tt", "kbd", "samp", "var"}
_SKIPPED = {"script", "style", "noscript", "template", "svg", "button", "input", "select", "iframe"}
_PERMALINK = {"id_link", "headerlink", "anchor", "anchorjs-link", "hash-link", "anchor-link"}
_PLACEHOLDERS = {"type", "replaceable", "returnvalue"}
"""Classes of code that stands for something else: it names nothing that the text defines."""
_BREAKS = {"br", "p", "div", "li", "tr", "dt", "dd", "ul", "ol", "dl", "table", "pre", "blockquote"}


def squeeze(text: str) -> str:
    """`text` on one line, single spaces, no zero-width spaces (they only tell a browser where to break)."""
    return _SPACE.sub(" ", text.replace("\u200b", "")).strip()


def classes(element: Any) -> set[str]:
    """The classes of an element."""
    return set((element.get("class") or "").split())


def is_permalink(element: Any) -> bool:
    """Whether the element is the little link beside a heading that points at the heading itself."""
    return element.tag == "a" and (
        bool(classes(element) & _PERMALINK)
        or (
            (element.get("href") or "").startswith("#")
            and "".join(element.itertext()).strip() in ("#", "¶", "§", "")
        )
    )


@dataclass(slots=True)
class Inline:
    """Collects the words below an element. Nested code is one span; markup of links is dropped, its words kept."""

    parts: list[str] = field(default_factory=list[str])
    terms: list[str] = field(default_factory=list[str])
    codes: list[str] = field(default_factory=list[str])
    anchors: list[str] = field(default_factory=list[str])
    links: list[Link] = field(default_factory=list[Link])

    def text(self) -> str:
        """What was collected, on one line."""
        return squeeze("".join(self.parts))

    def add(self, element: Any) -> Inline:
        """Collect what is inside `element` (not its tail)."""
        self._open(element)
        return self

    def _open(self, element: Any) -> None:
        if element.text:
            self.parts.append(element.text)
        for child in element:
            self.take(child)
            if child.tail:
                self.parts.append(child.tail)

    def take(self, child: Any) -> None:
        """Collect `child` itself: as code, as a link, as emphasis, or only the words in it."""
        tag = child.tag
        if not isinstance(tag, str) or tag in _SKIPPED:
            return
        if anchor := child.get("id") or (child.get("name") if tag == "a" else None):
            self.anchors.append(anchor)
        if is_permalink(child):
            return
        if tag in _CODE or (tag == "span" and _is_literal(child)):
            self._code(child)
        elif tag == "a":
            self._link(child)
        elif tag in ("em", "i", "dfn", "strong", "b"):
            self._emphasis(child, tag)
        elif tag == "img":
            self.parts.append(child.get("alt") or "")
        elif tag in _BREAKS:
            self.parts.append(" ")
            self._open(child)
            self.parts.append(" ")
        else:
            self._open(child)

    def _code(self, element: Any) -> None:
        text = squeeze("".join(element.itertext()))
        if not text:
            return
        if not classes(element) & _PLACEHOLDERS and not classes(element.getparent()) & _PLACEHOLDERS:
            self.codes.append(text)
        fence = "``" if "`" in text else "`"
        self.parts.append(f"{fence}{text}{fence}")
        self.links += [Link(link.get("href"), text) for link in element.iter("a") if link.get("href")]

    def _link(self, element: Any) -> None:
        before = len(self.parts)
        self._open(element)
        target = element.get("href")
        if target and (text := squeeze("".join(self.parts[before:]))):
            self.links.append(Link(target, text))

    def _emphasis(self, element: Any, tag: str) -> None:
        before = len(self.parts)
        self._open(element)
        text = squeeze("".join(self.parts[before:]))
        if tag in ("strong", "b") and text and "`" not in text:
            self.parts[before:] = [f"**{text}**"]
        first_use = "firstterm" in classes(element) or tag == "dfn"
        if first_use or (tag in ("strong", "b") and 0 < len(text) <= 60):
            self.terms.append(text)


def _is_literal(element: Any) -> bool:
    """docutils writes code in running text as a span."""
    return {"docutils", "literal"} <= classes(element)


def inline(element: Any) -> Inline:
    """Everything that `element` says, collected."""
    return Inline().add(element)


def visible_children(element: Any) -> Iterator[Any]:
    """The children that are elements and carry content."""
    return (child for child in element if isinstance(child.tag, str) and child.tag not in _SKIPPED)
