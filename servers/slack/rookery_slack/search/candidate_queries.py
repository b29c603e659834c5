"""Which messages are scored lexically: in a large store not every match, but those most likely to score best."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rookery_core.ranking import PreparedQuery

WORD_POOL = 2000
"""Messages that are scored for words: all that have any of the rarest, as many words as bring about no more."""
TOGETHER_POOL, COMMON_POOL = 600, 500
"""Where more messages than that have even the rarest word, so many of the newest are scored that have it together with
others, and, where those are few, so many of the newest that have it. Among the newest that have it few have more."""
NARROW = 20_000
"""A search that leaves no more rows than this looks at every vector: an index would lose some."""
NARROW_WORDS = 5_000
"""One that leaves no more than this scores every message that has any of the words, not of the rarest only: what is
rare everywhere may not occur here at all."""


@dataclass(frozen=True, slots=True)
class Pool:
    """A tsquery that selects candidates, how many of the newest at most, and how many messages are likely to match."""

    candidates: str
    limit: int
    likely: float


def candidate_queries(prepared: PreparedQuery, left: int, counted: int) -> list[Pool]:
    """The queries whose candidates are scored: the next one where one gives too few.

    left: messages that the search has to look through, counted no further than beyond NARROW. counted: messages that
    the weights are of.
    """
    if left <= NARROW_WORDS:
        return [Pool(prepared.any_term, NARROW_WORDS, 0)]
    # a weight is the logarithm of 1 / share
    words = sorted(
        (math.exp(-weight), term) for term, weight in zip(prepared.terms, prepared.weights, strict=True)
    )
    any_word = Pool(prepared.any_term, COMMON_POOL, counted * _share_of_any(words))
    rarest_count = counted * words[0][0]
    if left <= NARROW or rarest_count <= WORD_POOL:
        return [Pool(prepared.candidates, WORD_POOL, rarest_count), any_word]
    if len(words) == 1:
        return [any_word]
    return [*_together(words, counted), Pool(words[0][1], COMMON_POOL, rarest_count), any_word]


Word = tuple[float, str]
"""The share of messages that have it, and its term."""


def _together(words: Sequence[Word], counted: int) -> list[Pool]:
    """What has every word; then what has the rarest and one of the next, as many of them as fill the pool."""
    (share, rarest), *others = words
    every = Pool(
        " & ".join(term for _, term in words), TOGETHER_POOL, counted * math.prod(share for share, _ in words)
    )
    if len(others) == 1:
        return [every]
    sizes = [counted * share * _share_of_any(others[: count + 1]) for count in range(len(others))]
    count = next((count for count, likely in enumerate(sizes) if likely >= TOGETHER_POOL), len(sizes) - 1)
    one_of = " | ".join(term for _, term in others[: count + 1])
    return [every, Pool(f"{rarest} & ({one_of})", TOGETHER_POOL, sizes[count])]


def _share_of_any(words: Sequence[Word]) -> float:
    """Of messages that have any of some words, were these independent of each other."""
    return 1 - math.prod(1 - share for share, _ in words)
