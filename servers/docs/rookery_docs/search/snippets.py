"""The part of a passage that shows why it was found."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import pairwise

from rookery_core.ranking.texts import fold
from rookery_docs.search.analysis import PAIR, terms_of_chunk

_WHOLE = re.compile(r"[^\W_]+|(?<==)[\W_]+$")
"""The first word of a term that is compared as it is written, or all of it where it has none."""
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


class _Letters(dict[int, str]):
    """The first folded letter of each character: positions in a folded text are positions in the text."""

    def __missing__(self, code: int) -> str:
        letter = self[code] = (fold(chr(code)).lower() or chr(code))[0]
        return letter


_LETTERS = _Letters()


def _values(text: str, segments: list[tuple[int, int]], terms: Mapping[str, float]) -> list[float]:
    """What each segment is worth: the sum of the terms that it has."""
    held: dict[int, set[str]] = {}
    starts = [start for start, _ in segments]
    for at, found in _telling(text, terms):
        held.setdefault(bisect_right(starts, at) - 1, set()).update(found)
    return [_worth(held[number], terms) if number in held else 0.0 for number in range(len(segments))]


def _telling(text: str, terms: Mapping[str, float]) -> Iterator[tuple[int, list[str]]]:
    """Where something between two spaces begins that has any of the terms, and which ones."""
    lower = text.lower() if text.isascii() else text.translate(_LETTERS)
    for match in _sought(frozenset(terms)).finditer(lower):
        start = max(text.rfind(" ", 0, match.start()), text.rfind("\n", 0, match.start())) + 1
        if found := [term for term in terms_of_chunk(text[start : match.end()]) if term in terms]:
            yield start, found


@lru_cache(maxsize=1_000)
def _sought(terms: frozenset[str]) -> re.Pattern[str]:
    """Finds what may have one of the terms, up to the next space: a text is searched sooner than analysed.

    A word has its stem in it, if not the stem's last letter ("queri" of "query"); in English all do but three.
    """
    single = {term for term in terms if PAIR not in term}
    parts = {
        _WHOLE.findall(term)[0] if term.startswith("=") else term[: max(2, len(term) - 1)] for term in single
    }
    return re.compile(f"(?:{'|'.join(map(re.escape, sorted(parts)))})\\S*" if parts else "(?!)")


def _worth(found: Iterable[str], terms: Mapping[str, float]) -> float:
    return sum(terms[term] for term in found)


def _segments(text: str) -> list[tuple[int, int]]:
    """Sentences and lines, each with the stop that ends it."""
    ends = [match.end() for match in _END.finditer(text)]
    if not ends or ends[-1] < len(text):
        ends.append(len(text))
    return list(pairwise([0, *ends]))


def _value(part: str, terms: Mapping[str, float]) -> float:
    return _worth({term for _, found in _telling(part, terms) for term in found}, terms)


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
