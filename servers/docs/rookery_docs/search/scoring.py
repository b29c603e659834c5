"""The score of every page of a release for a query."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rookery_docs.search import weights
from rookery_docs.search.query import Query
from rookery_docs.search.release_index import ReleaseIndex

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Request:
    """A query made ready for scoring, the same for every release it is asked of.

    terms: (hash, weight). rarity: of each term over all releases asked. vector: of the query, or None.
    """

    terms: list[tuple[int, float]]
    rarity: dict[int, float]
    vector: NDArray[np.float32] | None
    semantic_weight: float

    @property
    def weighted(self) -> list[tuple[int, float]]:
        """(hash, weight times rarity)."""
        return [(term, weight * self.rarity[term]) for term, weight in self.terms]


@dataclass(frozen=True, slots=True)
class Scores:
    """pages: the score of each. passages: of each, to tell a page's best one. cosine: of each passage, if known."""

    pages: NDArray[np.float32]
    passages: NDArray[np.float32]
    cosine: NDArray[np.float32] | None


def prepare(
    query: Query, releases: Sequence[ReleaseIndex], vector: NDArray[np.float32] | None, semantic_weight: float
) -> Request:
    """Weigh the query's terms by how rare they are in all of `releases` together."""
    terms = query.hashed()
    size = sum(release.passages.size for release in releases)
    rarity = {
        term: _rarity(sum(release.passages.frequency(term) for release in releases), size)
        for term, _ in terms
    }
    usable = vector is not None and bool(vector.any())
    if not terms:
        semantic_weight = 1.0
    return Request(terms, rarity, vector if usable else None, semantic_weight if usable else 0.0)


def score(release: ReleaseIndex, request: Request) -> Scores:
    """Words and meaning, each between 0 and about 1, in the proportion of the request."""
    terms = request.weighted
    attainable = sum(weight for _, weight in terms) or 1.0
    words = release.passages.scores(terms) / np.float32(attainable)
    share = weights.PASSAGE_SHARE
    lexical = (
        np.float32(share) * release.best_of_page(words)
        + np.float32((1 - share) / attainable) * release.pages.scores(terms)
        + np.float32(weights.TITLE_BONUS) * release.titles.likeness(request.terms)
    )
    cosine = _cosine(release, request)
    if cosine is None:
        return Scores(_as_float32(lexical * release.prior), words, None)
    weight, rest = np.float32(request.semantic_weight), np.float32(1 - request.semantic_weight)
    near = cosine.clip(0, 1)
    pages = rest * lexical + weight * release.best_of_page(near)
    return Scores(_as_float32(pages * release.prior), rest * words + weight * near, cosine)


def _cosine(release: ReleaseIndex, request: Request) -> NDArray[np.float32] | None:
    if request.vector is None or release.vectors.shape[1] != len(request.vector):
        return None
    return release.vectors @ request.vector


def _rarity(frequency: int, size: int) -> float:
    return math.log(1.0 + (size - frequency + 0.5) / (frequency + 0.5))


def _as_float32(scores: NDArray[Any]) -> NDArray[np.float32]:
    return scores.astype(np.float32, copy=False)
