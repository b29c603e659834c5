"""The score of every page of a release for a query."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rookery_docs.search import weights
from rookery_docs.search.postings import term_hash
from rookery_docs.search.query import Query, Terms
from rookery_docs.search.release_index import ReleaseIndex
from rookery_docs.search.term_index import TermIndex, Weighted
from rookery_docs.search.titles import TitleRequest

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Request:
    """A query made ready for scoring, the same for every release it is asked of.

    plain: terms that are only asked for by name, weights times rarity. concepts: each its own terms and those of its
    other names. titles: the same without rarity, which among titles is another. attainable: the highest score that words
    can have.
    """

    plain: Weighted
    concepts: list[list[Weighted]]
    titles: TitleRequest
    attainable: float
    vector: NDArray[np.float32] | None
    semantic_weight: float


@dataclass(frozen=True, slots=True)
class Scores:
    """pages: the score of each. words: of each page, the share of the query's words that it or a passage of it holds.
    passages: the score of each, to tell a page's best one. cosine: of each passage, if known."""

    pages: NDArray[np.float32]
    words: NDArray[np.float32]
    passages: NDArray[np.float32]
    cosine: NDArray[np.float32] | None


def prepare(
    query: Query, releases: Sequence[ReleaseIndex], vector: NDArray[np.float32] | None, semantic_weight: float
) -> Request:
    """Weigh the query's terms by how rare they are in all of `releases` together."""
    size = sum(release.passages.size for release in releases)
    titles = _title_request(query)

    def weigh(terms: Weighted) -> Weighted:
        return [
            (term, weight * _rarity(sum(release.passages.frequency(term) for release in releases), size))
            for term, weight in terms
        ]

    plain = weigh(titles.plain)
    concepts = [[weigh(way) for way in ways] for ways in titles.concepts]
    attainable = sum(weight for _, weight in plain)
    attainable += sum(sum(weight for _, weight in ways[0]) for ways in concepts)
    usable = vector is not None and bool(vector.any())
    weight = semantic_weight if titles.plain or titles.concepts else 1.0
    return Request(
        plain=plain,
        concepts=concepts,
        titles=titles,
        attainable=attainable or 1.0,
        vector=vector if usable else None,
        semantic_weight=weight if usable else 0.0,
    )


def score(release: ReleaseIndex, request: Request) -> Scores:
    """Words and meaning, each between 0 and about 1, in the proportion of the request."""
    words = _words(release.passages, request)
    best, whole = release.best_of_page(words), _words(release.pages, request)
    shares = np.maximum(best, whole)
    lexical = (
        np.float32(weights.PASSAGE_SHARE) * best
        + np.float32(1 - weights.PASSAGE_SHARE) * whole
        + np.float32(weights.TITLE_BONUS) * release.titles.likeness(request.titles)
    )
    cosine = None if request.vector is None else release.nearness(request.vector)
    if cosine is None:
        return Scores(_as_float32(lexical * release.prior), shares, words, None)
    weight, rest = np.float32(request.semantic_weight), np.float32(1 - request.semantic_weight)
    near = cosine.clip(0, 1)
    pages = rest * lexical + weight * release.best_of_page(near)
    return Scores(_as_float32(pages * release.prior), shares, rest * words + weight * near, cosine)


def _words(index: TermIndex, request: Request) -> NDArray[np.float32]:
    """How well each document's words fit, 0 to about 1. Of the ways to say one thing the best counts."""
    total = index.scores(request.plain)
    for ways in request.concepts:
        best = index.scores(ways[0])
        for way in ways[1:]:
            np.maximum(best, index.scores(way), out=best)
        total += best
    return total / np.float32(request.attainable)


def _title_request(query: Query) -> TitleRequest:
    return TitleRequest(
        plain=[pair for concept in query.concepts if not concept.others for pair in _hashed(concept.own)],
        concepts=[
            [_hashed(terms) for terms in (concept.own, *concept.others)]
            for concept in query.concepts
            if concept.others
        ],
    )


def _hashed(terms: Terms) -> Weighted:
    return [(term_hash(term), weight) for term, weight in terms.items()]


def _rarity(frequency: int, size: int) -> float:
    return math.log(1.0 + (size - frequency + 0.5) / (frequency + 0.5))


def _as_float32(scores: NDArray[Any]) -> NDArray[np.float32]:
    return scores.astype(np.float32, copy=False)
