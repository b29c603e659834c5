"""What every reader makes of a document: a title and a flat run of blocks in the order of the page."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

BlockKind = Literal["heading", "text", "item", "code", "table", "definition"]


@dataclass(frozen=True, slots=True)
class Link:
    """A link out of a block: where to (as written, perhaps relative) and the words that carry it."""

    target: str
    text: str


@dataclass(slots=True)
class Block:
    """A piece of a page that a chunk never cuts, except plain text.

    text: Markdown. level: of a heading, 1 for the page's title. anchor: the id that a URL can point at. inner: further
    ids inside the block. terms: what the block defines (an option, a column, an emphasised first use).
    purpose: the block is the page's one-line statement of what the thing is for.
    """

    kind: BlockKind
    text: str
    level: int = 0
    anchor: str | None = None
    inner: list[str] = field(default_factory=list[str])
    terms: list[str] = field(default_factory=list[str])
    links: list[Link] = field(default_factory=list[Link])
    purpose: bool = False


@dataclass(slots=True)
class Article:
    """A document as its reader understood it. description: a summary that the document gives of itself. contents: the
    titles of the pages that it leads to, where it opens a chapter."""

    title: str
    blocks: list[Block]
    description: str | None = None
    canonical_url: str | None = None
    contents: list[str] = field(default_factory=list[str])


_NUMBER = re.compile(
    r"^(?:(?:Chapter|Appendix|Part)\s+(?:\d+|[A-Z]|[IVXLC]+)\.\s+|(?:\d+|[A-Z])(?:\.\d+)+\.\s+)(?=\S)"
)
_TABLE_NUMBER = re.compile(r"^((?:Table|Example|Figure)\s+)(?:\d+|[A-Z])\.\d+\.\s+(?=\S)")


def without_number(heading: str) -> str:
    """A heading without the number that its place in the book gives it, which differs between versions."""
    return _TABLE_NUMBER.sub(r"\1", _NUMBER.sub("", heading))


def without_number_in_title(text: str) -> str:
    """Text that begins like the bold title of a table or figure, without that title's number."""
    if not text.startswith("**"):
        return text
    return "**" + without_number(text[2:])
