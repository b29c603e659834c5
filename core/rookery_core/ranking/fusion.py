"""Two rankings into one score.

Scores are combined, not ranks: a small local model is often sure of nothing, and rank fusion would let its noise
outvote a page that has all the words. Each candidate list is scaled to 0..1 over its own candidates, then weighted.

`make bench-memory` prints the figures behind the weights.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Protocol, TypeVar

Id = TypeVar("Id", bound=Hashable)

WEAK_SEMANTIC_WEIGHT = 0.4
STRONG_SEMANTIC_WEIGHT = 0.6


class Strength(Protocol):
    """An embedder, as far as it says how good it is."""

    @property
    def weak(self) -> bool: ...


def semantic_weight(embedder: Strength | None) -> float:
    """How much the vectors of this embedder count against the words: 0 without one, less than half for a weak one."""
    if embedder is None:
        return 0.0
    return WEAK_SEMANTIC_WEIGHT if embedder.weak else STRONG_SEMANTIC_WEIGHT


def normalised(scores: Mapping[Id, float]) -> dict[Id, float]:
    """The scores brought to 0..1 (least to greatest). Equal scores are all 1: nothing tells them apart."""
    if not scores:
        return {}
    low, high = min(scores.values()), max(scores.values())
    if high <= low:
        return dict.fromkeys(scores, 1.0)
    return {key: (score - low) / (high - low) for key, score in scores.items()}


def _of_the_best(scores: Mapping[Id, float]) -> dict[Id, float]:
    """Scores of words as shares of the best: not to match at all is 0, so the least of the matches is more."""
    if not scores or min(scores.values()) < 0 or max(scores.values()) <= 0:
        return normalised(scores)
    best = max(scores.values())
    return {key: score / best for key, score in scores.items()}


def fuse(
    lexical: Mapping[Id, float],
    semantic: Mapping[Id, float],
    semantic_weight: float = WEAK_SEMANTIC_WEIGHT,
    coverage: float = 1.0,
) -> list[tuple[Id, float]]:
    """Combine two candidate lists into one ranking, best first; the score is 0..1. Ties keep the order of the lists.

    coverage: the share of the query's weight that the best lexical match has. Words that find only a part of what
    was asked are less sure of their first place, and count less.

    An item that one list lacks counts 0 there. A list that is empty, or cannot tell any two of its candidates
    apart, has no influence: the order of the other list is kept.
    """
    if not 0 <= semantic_weight <= 1:
        raise ValueError("semantic_weight is between 0 and 1")
    weight = _effective_weight(lexical, semantic, semantic_weight)
    if 0 < weight < 1:
        sure = (1 - weight) * min(max(coverage, 0.0), 1.0)
        weight = weight / (weight + sure)
    words, meaning = _of_the_best(lexical), normalised(semantic)
    combined = {
        key: (1 - weight) * words.get(key, 0.0) + weight * meaning.get(key, 0.0)
        for key in dict.fromkeys([*lexical, *semantic])
    }
    return sorted(combined.items(), key=lambda item: -item[1])


def _effective_weight(lexical: Mapping[Id, float], semantic: Mapping[Id, float], weight: float) -> float:
    if not semantic or (lexical and _says_nothing(semantic, lexical)):
        return 0.0
    if not lexical or _says_nothing(lexical, semantic):
        return 1.0
    return weight


def _says_nothing(leg: Mapping[Id, float], other: Mapping[Id, float]) -> bool:
    """Whether a candidate list gives the same score to everything that the other list has."""
    return leg.keys() >= other.keys() and len(set(leg.values())) <= 1
