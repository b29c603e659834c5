"""The part of a text that answers a query best, byte for byte as it stands in the text."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from rookery_core.ranking.texts import fold

_WORD = re.compile(r"\w+")
_WIDE = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]"
)
_ENDING = re.compile(r"(?<=\w{3})(?:ations?|ingly|ings?|edly|ed|ies|es|ly|ion|s|e|y)$")
_NEAR = 40
"""How far a cut moves to fall between sentences or words."""


@dataclass(frozen=True, slots=True)
class Snippet:
    """`text` is source[start:end]. matches: how many different words of the query are in it."""

    text: str
    start: int
    end: int
    matches: int
    cut_before: bool
    cut_after: bool


def best_snippet(source: str, query: str, *, max_characters: int = 300) -> Snippet:
    """The window of at most `max_characters` with most of the query's words, the rarer the better, first on a tie.

    The beginning of the text when no word is found. Words match by their stems, roughly, and characters of scripts
    without spaces singly. Never changes a character.
    """
    if max_characters < 1:
        raise ValueError("max_characters is at least 1")
    if len(source) <= max_characters:
        found = {stem for _, stem in _occurrences(source, _stems(query))}
        return Snippet(source, 0, len(source), len(found), False, False)
    hits = _occurrences(source, _stems(query))
    start = _best_start(hits, max_characters)
    start, end = _between_words(source, start, max_characters)
    found = {stem for at, stem in hits if start <= at < end}
    return Snippet(source[start:end], start, end, len(found), start > 0, end < len(source))


def _stem(word: str) -> str:
    return _ENDING.sub("", fold(word).lower())


def _pieces(text: str) -> list[tuple[int, str]]:
    pieces: list[tuple[int, str]] = []
    for word in _WORD.finditer(text):
        if _WIDE.search(word.group()):
            pieces += [(word.start() + offset, character) for offset, character in enumerate(word.group())]
        else:
            pieces.append((word.start(), _stem(word.group())))
    return pieces


def _stems(query: str) -> frozenset[str]:
    return frozenset(stem for _, stem in _pieces(query[:10_000]))


def _occurrences(source: str, stems: frozenset[str]) -> list[tuple[int, str]]:
    return [(at, stem) for at, stem in _pieces(source) if stem in stems]


def _best_start(hits: list[tuple[int, str]], width: int) -> int:
    """Where the window begins that holds the greatest sum over its different words, each by its rarity here."""
    if not hits:
        return 0
    worth = {stem: 1.0 / count for stem, count in Counter(stem for _, stem in hits).items()}
    span = width - _margin(width)
    inside: Counter[str] = Counter()
    total, best, best_start, left = 0.0, 0.0, 0, 0
    for at, stem in hits:
        if not inside[stem]:
            total += worth[stem]
        inside[stem] += 1
        while at - hits[left][0] > span:
            leaving = hits[left][1]
            inside[leaving] -= 1
            if not inside[leaving]:
                total -= worth[leaving]
            left += 1
        if total > best + 1e-9:
            best, best_start = total, hits[left][0]
    return best_start


def _margin(width: int) -> int:
    """How much of the window stands before the first hit."""
    return min(_NEAR, width // 4)


def _between_words(source: str, hit: int, width: int) -> tuple[int, int]:
    """A window around the hit, moved so that it begins after a sentence or a space and ends before one."""
    start = max(0, min(hit - _margin(width), len(source) - width))
    if start > 0:
        start = _after_boundary(source, start, hit)
    end = min(len(source), start + width)
    if end < len(source):
        space = max(source.rfind(" ", start + width // 2, end), source.rfind("\n", start + width // 2, end))
        end = space if space > hit else end
    return start, end


def _after_boundary(source: str, start: int, hit: int) -> int:
    for boundary in ("\n", ". ", "。", " "):
        at = source.find(boundary, start, hit)
        if at >= 0:
            return at + len(boundary)
    return start
