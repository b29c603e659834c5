"""Cuts an article into passages along its headings.

What a reader takes in at once stays whole: a listing, a table, a term with its description. Small neighbouring
sections are joined, long running text is cut at sentences with a little overlap.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from rookery_docs.anchors import is_generated
from rookery_docs.records import Passage
from rookery_ingest.docs.formats.article import Article, Block

LONGEST = 1_800
"""Characters a passage of running text may have. Whole units may be longer."""
SMALL = 500
"""A section shorter than this joins its neighbour."""
_OVERLAP = 200
_OWN_PASSAGE = 150
_SENTENCE_END = re.compile(r"(?<=[.!?:。！？])\s+|\n+")


@dataclass(slots=True)
class _Section:
    path: tuple[str, ...]
    anchor: str | None
    blocks: list[Block] = field(default_factory=list[Block])

    @property
    def size(self) -> int:
        return sum(len(block.text) + 2 for block in self.blocks)


def passages_of(article: Article) -> list[Passage]:
    """The passages of an article, in order. Together, without their overlaps, they hold all of its text."""
    found: list[Passage] = []
    for section in _joined(_sections(article)):
        for piece in _pieces(section):
            found.append(_passage(piece, section, len(found)))
    return found


def _sections(article: Article) -> Iterator[_Section]:
    """A section for each heading, holding the heading itself and what follows up to the next one."""
    title = article.title.replace("`", "")
    stack: list[tuple[int, str]] = []
    section = _Section((title,) if title else (), None)
    for block in article.blocks:
        if block.kind == "heading":
            if section.blocks:
                yield section
            while stack and stack[-1][0] >= block.level:
                stack.pop()
            stack.append((block.level, block.text))
            path = tuple(text.replace("`", "") for _, text in stack)
            if title and path[0] != title:
                path = (title, *path)
            section = _Section(path, block.anchor)
        section.blocks.append(block)
    if section.blocks:
        yield section


def _joined(sections: Iterator[_Section]) -> Iterator[_Section]:
    """Small sections together with the next, as long as both belong under the same heading."""
    current: _Section | None = None
    for section in sections:
        if current is None:
            current = section
            continue
        common = _common(current.path, section.path)
        fits = current.size + section.size <= LONGEST
        if (
            fits
            and common
            and (current.size < SMALL or section.size < SMALL)
            and _near(current, section, common)
        ):
            current = _Section(common, current.anchor, current.blocks + section.blocks)
        else:
            yield current
            current = section
    if current is not None:
        yield current


def _near(first: _Section, second: _Section, common: tuple[str, ...]) -> bool:
    return len(common) >= min(len(first.path), len(second.path)) - 1


def _common(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    shared = 0
    for one, other in zip(first, second, strict=False):
        if one != other:
            break
        shared += 1
    return first[:shared]


@dataclass(slots=True)
class _Piece:
    blocks: list[Block] = field(default_factory=list[Block])
    overlap: str = ""

    @property
    def size(self) -> int:
        return sum(len(block.text) + 2 for block in self.blocks)


def _pieces(section: _Section) -> Iterator[_Piece]:
    piece = _Piece()
    for block in section.blocks:
        if _stands_alone(block):
            if piece.blocks and not _only_headings(piece):
                yield piece
                piece = _Piece()
            piece.blocks.append(block)
            yield piece
            piece = _Piece()
            continue
        for part in _parts(block):
            if piece.blocks and not _only_headings(piece) and piece.size + len(part.text) > LONGEST:
                yield piece
                piece = _Piece(overlap=_tail(piece.blocks[-1], part))
            piece.blocks.append(part)
    if piece.blocks:
        yield piece


def _stands_alone(block: Block) -> bool:
    """A described term that a URL can point at is a passage of its own."""
    named = block.anchor is not None and not is_generated(block.anchor)
    return block.kind == "definition" and named and len(block.text) >= _OWN_PASSAGE


def _only_headings(piece: _Piece) -> bool:
    return all(block.kind == "heading" for block in piece.blocks)


def _parts(block: Block) -> Iterator[Block]:
    if block.kind != "text" or len(block.text) <= LONGEST:
        yield block
        return
    first, *others = _cut(block.text)
    yield Block("text", first, 0, block.anchor, block.inner, block.terms, block.links)
    for text in others:
        yield Block("text", text)


def _cut(text: str) -> Iterator[str]:
    """Running text in pieces of at most LONGEST characters, at sentence ends where there are any."""
    start = 0
    while len(text) - start > LONGEST:
        window = text[start : start + LONGEST]
        ends = [match.end() for match in _SENTENCE_END.finditer(window) if match.end() > LONGEST // 3]
        space = window.rfind(" ") + 1
        end = ends[-1] if ends else space if space > LONGEST // 3 else LONGEST
        yield text[start : start + end]
        start += end
    yield text[start:]


def _tail(previous: Block, following: Block) -> str:
    """The end of the last paragraph, repeated before running text that goes on from it."""
    if previous.kind != "text" or following.kind not in ("text", "item"):
        return ""
    if len(previous.text) <= _OVERLAP:
        return previous.text
    ends = [match.end() for match in _SENTENCE_END.finditer(previous.text)]
    start = next((end for end in ends if 0 < len(previous.text) - end <= _OVERLAP), None)
    return previous.text[start:] if start is not None else ""


def _passage(piece: _Piece, section: _Section, position: int) -> Passage:
    path, anchor = section.path, section.anchor
    own = piece.blocks[-1]
    if _stands_alone(own) and all(block.kind == "heading" for block in piece.blocks[:-1]):
        path, anchor = (*path, _name(own)), own.anchor
    anchors = [name for block in piece.blocks for name in [block.anchor, *block.inner] if name]
    body = "\n\n".join(_rendered(block) for block in piece.blocks)
    overlap = piece.overlap + "\n\n" if piece.overlap else ""
    return Passage(
        position=position,
        heading_path=path,
        anchor=anchor,
        anchors=tuple(dict.fromkeys([*([anchor] if anchor else []), *anchors])),
        text=overlap + body,
        overlap=len(overlap),
        headings=tuple(block.text for block in piece.blocks if block.kind == "heading"),
        terms=tuple(dict.fromkeys(term for block in piece.blocks for term in block.terms if term)),
        purpose=" ".join(block.text for block in piece.blocks if block.purpose),
        links=tuple((link.target, link.text) for block in piece.blocks for link in block.links),
    )


def _name(block: Block) -> str:
    return (block.terms[0] if block.terms else block.text.split("\n", 1)[0]).replace("`", "").strip("*")


def _rendered(block: Block) -> str:
    return f"{'#' * min(block.level, 6)} {block.text}" if block.kind == "heading" else block.text
