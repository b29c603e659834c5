"""How well an answer fits its query, from 0 to 1, on a scale that does not depend on what else was found.

`make bench-answers` prints the figures behind the constants.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rookery_core.ranking.fusion import Strength

Id = TypeVar("Id", bound=Hashable)

NOTHING_FITS = "nothing fits: no result holds the rare words of the query or is near it in meaning"
ONLY_NEAR = "nothing holds these words; nearest by meaning"
BEST = 10
"""Results that are looked at for the fit of an answer."""


UNRELATED, EQUAL = 0.2, 0.9
"""The cosine similarities of a small static model that count as no fit and as a whole one."""


def fit(words: float, meaning: float) -> float:
    """The fit of a result. words: the share of the query's words, by rarity, that it holds; meaning: its cosine."""
    near = (meaning - UNRELATED) / (EQUAL - UNRELATED)
    return min(max(words, near, 0.0), 1.0)


def best_fit(ranked: Iterable[Id], words: Mapping[Id, float], meaning: Mapping[Id, float]) -> float:
    """The greatest fit of the first results of a ranking; 0 without any."""
    return max((fit(words.get(key, 0.0), meaning.get(key, 0.0)) for key in islice(ranked, BEST)), default=0.0)


def is_unfit(value: float, floor: float, embedder: Strength | None) -> bool:
    """Whether an answer of this fit is withheld: never with a strong embedder, whose similarities have another scale."""
    return value < floor and (embedder is None or embedder.weak)


def scaled(ranked: Sequence[tuple[Id, float]], best: float) -> list[tuple[Id, float]]:
    """The scores of a ranking, best first, brought to one scale: the first result gets the best fit."""
    first = ranked[0][1] if ranked else 0.0
    if first <= 0:
        return [(key, 0.0) for key, _ in ranked]
    return [(key, best * min(max(score / first, 0.0), 1.0)) for key, score in ranked]
