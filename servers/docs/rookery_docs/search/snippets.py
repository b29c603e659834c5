"""The part of a passage that shows why it was found."""

from __future__ import annotations

import re
from collections.abc import Mapping
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
    telling = _telling(text, terms)
    return [_value(text[start:end], telling, terms) for start, end in segments]


def _telling(text: str, terms: Mapping[str, float]) -> dict[str, tuple[str, ...]]:
    """What between two spaces of a text has any of the terms, and all terms of it."""
    asked = terms.keys()
    of_chunk = {chunk: terms_of_chunk(chunk) for chunk in set(text.split())}
    return {chunk: found for chunk, found in of_chunk.items() if not asked.isdisjoint(found)}


def _segments(text: str) -> list[tuple[int, int]]:
    """Sentences and lines, each with the stop that ends it."""
    ends = [match.end() for match in _END.finditer(text)]
    if not ends or ends[-1] < len(text):
        ends.append(len(text))
    return list(pairwise([0, *ends]))


def _value(part: str, telling: Mapping[str, tuple[str, ...]], terms: Mapping[str, float]) -> float:
    found = {term for chunk in telling.keys() & part.split() for term in telling[chunk]}
    return sum(terms.get(term, 0.0) for term in found)


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
    parts = {offset: segment[offset : offset + longest] for offset in offsets}
    worth = {offset: _value(part, _telling(part, terms), terms) for offset, part in parts.items()}
    best = max(offsets, key=lambda offset: (worth[offset], -offset))
    low = start + best
    high = min(end, low + longest)
    space = text.rfind(" ", low, high)
    head = text.find(" ", low, low + 40) + 1 if best else low
    return (head or low), (space if high < end and space > low + longest // 2 else high)
