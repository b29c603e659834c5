"""The part of a passage that shows why it was found."""

from __future__ import annotations

import re
from collections.abc import Mapping

from rookery_docs.search.analysis import PAIR, terms_of

_SEGMENT = re.compile(r"[^\n]*?(?:[.!?](?=\s)|\n|$)|[^\n]+", re.DOTALL)
_LETTERS = re.compile(r"[^\W_]+")


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
    hints = {hint_of(term) for term in terms if PAIR not in term}
    values: list[float] = []
    for start, end in segments:
        lower = text[start:end].lower()
        values.append(_value(text[start:end], terms) if any(hint in lower for hint in hints) else 0.0)
    return values


def hint_of(term: str) -> str:
    """Letters that a text must have to have the term, so that most of a text need not be taken apart.

    A stem is the beginning of its word but for its last letter, or two of a short one (dying: die).
    """
    longest = max(_LETTERS.findall(term), key=len, default="")
    if not longest.isascii():
        return longest
    return longest[: max(1, len(longest) - (1 if len(longest) > 3 else 2))]


def _segments(text: str) -> list[tuple[int, int]]:
    found = [match.span() for match in _SEGMENT.finditer(text) if match.end() > match.start()]
    return found or [(0, len(text))]


def _value(segment: str, terms: Mapping[str, float]) -> float:
    return sum(terms.get(term, 0.0) for term in set(terms_of(segment, stop_words=True)))


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
    best = max(offsets, key=lambda offset: (_value(segment[offset : offset + longest], terms), -offset))
    low = start + best
    high = min(end, low + longest)
    space = text.rfind(" ", low, high)
    head = text.find(" ", low, low + 40) + 1 if best else low
    return (head or low), (space if high < end and space > low + longest // 2 else high)
