"""The part of a passage that shows why it was found."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise

from rookery_docs.search.analysis import terms_of_chunk

_END = re.compile(r"[.!?](?=\s)|\n")


def snippet(text: str, terms: Mapping[str, float], longest: int) -> str:
    """At most `longest` characters of `text`, whole sentences or lines where possible, richest in `terms`.

    terms: how much each term counts. An ellipsis marks where text is left out.
    """
    text = text.strip()
    if len(text) <= longest:
        return text
    segments = _segments(text)
    first, last = _window(segments, _values(text, segments, terms), longest - 4)
    start, end = segments[first][0], segments[last][1]
    if end - start > longest - 4:
        start, end = _around(text, start, end, terms, longest - 4)
    body = text[start:end].strip()
    return ("… " if start > 0 else "") + body + (" …" if end < len(text) else "")


def _values(text: str, segments: list[tuple[int, int]], terms: Mapping[str, float]) -> list[float]:
    """What each segment is worth: the sum of the terms that it has."""
    held: dict[int, set[str]] = {}
    starts = [start for start, _ in segments]
    for chunk, found in _telling(text, terms).items():
        for at in _places(text, chunk):
            held.setdefault(bisect_right(starts, at) - 1, set()).update(found)
    return [_worth(held[number], terms) if number in held else 0.0 for number in range(len(segments))]


def _telling(text: str, terms: Mapping[str, float]) -> dict[str, list[str]]:
    """What stands between two spaces of a text and has any of the terms, and which ones."""
    asked = terms.keys()
    return {
        chunk: [term for term in terms_of_chunk(chunk) if term in terms]
        for chunk in set(text.split())
        if not asked.isdisjoint(terms_of_chunk(chunk))
    }


def _places(text: str, chunk: str) -> Iterator[int]:
    """Where a chunk stands between two spaces."""
    at = text.find(chunk)
    while at >= 0:
        end = at + len(chunk)
        if (at == 0 or text[at - 1].isspace()) and (end == len(text) or text[end].isspace()):
            yield at
        at = text.find(chunk, end)


def _worth(found: Iterable[str], terms: Mapping[str, float]) -> float:
    return sum(terms[term] for term in found)


def _segments(text: str) -> list[tuple[int, int]]:
    """Sentences and lines, each with the stop that ends it."""
    ends = [match.end() for match in _END.finditer(text)]
    if not ends or ends[-1] < len(text):
        ends.append(len(text))
    return list(pairwise([0, *ends]))


def _value(part: str, terms: Mapping[str, float]) -> float:
    return _worth({term for found in _telling(part, terms).values() for term in found}, terms)


def _window(segments: list[tuple[int, int]], values: list[float], longest: int) -> tuple[int, int]:
    """The run of segments that is worth most and fits; a later segment counts again only a little."""
    best = (-1.0, 0, 0)
    last = 0
    worth = 0.0
    for first in range(len(segments)):
        if last < first:
            last, worth = first, 0.0
        while last < len(segments) and (segments[last][1] - segments[first][0] <= longest or last == first):
            worth += values[last]
            last += 1
        if worth > best[0]:
            best = (worth, first, last - 1)
        worth -= values[first]
    return best[1], best[2]


def _around(text: str, start: int, end: int, terms: Mapping[str, float], longest: int) -> tuple[int, int]:
    """A stretch of a segment that is too long by itself, around its most telling words."""
    segment = text[start:end]
    step = max(1, longest // 4)
    offsets = range(0, max(1, len(segment) - longest + step), step)
    worth = {offset: _value(segment[offset : offset + longest], terms) for offset in offsets}
    best = max(offsets, key=lambda offset: (worth[offset], -offset))
    low = start + best
    high = min(end, low + longest)
    space = text.rfind(" ", low, high)
    head = text.find(" ", low, low + 40) + 1 if best else low
    return (head or low), (space if high < end and space > low + longest // 2 else high)
