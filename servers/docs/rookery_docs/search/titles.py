"""How far the titles of a release's pages and a query are the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rookery_docs.search import weights
from rookery_docs.search.term_index import Postings, Weighted

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class TitleRequest:
    """What is asked of titles. plain: terms asked for by name only. concepts: each its own terms, and those of its other
    names, whose weights say how little less they count."""

    plain: Weighted
    concepts: list[list[Weighted]]


class Titles:
    """Which pages have a term in their title. mass: the rarity of all terms of each title together."""

    def __init__(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        self.arrays = arrays
        self._terms, self._starts = arrays["terms"], arrays["starts"]
        self._documents, self._mass = arrays["documents"], arrays["mass"]
        self._rarity = _rarity_in_titles(np.diff(self._starts), len(self._mass))

    @classmethod
    def build(cls, pages: Postings, size: int, field: int) -> Titles:
        """Of the postings of `size` pages, those of their titles. field: the number of the titles' field."""
        in_title = pages.counts[:, field] > 0
        hashes, documents = pages.hashes[in_title], pages.documents[in_title]
        order = np.argsort(hashes, kind="stable")
        hashes, documents = hashes[order], documents[order]
        terms, starts, counts = np.unique(hashes, return_index=True, return_counts=True)
        rarity = np.repeat(_rarity_in_titles(counts, size), counts)
        arrays = {
            "terms": terms,
            "starts": np.append(starts, len(hashes)).astype(np.int64),
            "documents": documents,
            "mass": np.bincount(documents, weights=rarity, minlength=size),
        }
        return cls(arrays)

    def likeness(self, request: TitleRequest) -> NDArray[np.float32]:
        """How far each title and what is asked for are the same, by the terms' rarity in titles: 0 to 1. Of the ways to
        say one thing a title is held against the one that it says most of."""
        shared, mass = self._shared(request.plain)
        asked = np.full(len(shared), mass)
        for own, *others in request.concepts:
            best, mass = self._shared(own)
            masses = np.full(len(best), mass)
            for other in others:
                found, mass = self._shared(other)
                mass /= weights.SYNONYM
                better = found * masses > best * mass
                best, masses = np.where(better, found, best), np.where(better, mass, masses)
            shared += best
            asked += masses
        return (shared / (asked + self._mass - shared + 1e-6)).clip(0, 1).astype(np.float32)

    def _shared(self, terms: Weighted) -> tuple[NDArray[np.float64], float]:
        """The rarity of the terms that each title has, together, and that of all terms."""
        size = len(self._mass)
        shared = np.zeros(size)
        asked = 0.0
        absent = float(np.log(1.0 + 2.0 * (size + 0.5)))
        for term, weight in terms:
            position = int(np.searchsorted(self._terms, np.uint64(term)))
            if position < len(self._terms) and int(self._terms[position]) == term:
                rarity = weight * float(self._rarity[position])
                shared[self._documents[self._starts[position] : self._starts[position + 1]]] += rarity
                asked += rarity
            else:
                asked += weight * absent
        return shared, asked


def _rarity_in_titles(counts: NDArray[Any], size: int) -> NDArray[np.float64]:
    return np.log(1.0 + (size + 0.5) / (counts + 0.5))
