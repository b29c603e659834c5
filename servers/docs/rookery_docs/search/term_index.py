"""An inverted index in memory over fielded postings: BM25F with the fields' part computed once, when it is built."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Weighted = list[tuple[int, float]]
"""(a term's hash, its weight)."""


@dataclass(frozen=True, slots=True)
class Postings:
    """Postings of many documents, side by side: document number, term's hash, count in each field."""

    documents: NDArray[np.int32]
    hashes: NDArray[np.uint64]
    counts: NDArray[np.uint16]

    def sum_by(self, group_of: NDArray[np.int32], take_maximum: Sequence[int]) -> Postings:
        """The postings of groups of documents. Columns in `take_maximum` hold what all members share."""
        groups = group_of[self.documents]
        order = np.lexsort((self.hashes, groups))
        groups, hashes = groups[order], self.hashes[order]
        first = np.ones(len(order), dtype=bool)
        first[1:] = (groups[1:] != groups[:-1]) | (hashes[1:] != hashes[:-1])
        starts = np.flatnonzero(first)
        if not len(starts):
            return self
        counts = np.add.reduceat(self.counts[order].astype(np.uint32), starts, axis=0)
        for column in take_maximum:
            counts[:, column] = np.maximum.reduceat(self.counts[order, column], starts)
        return Postings(groups[starts], hashes[starts], np.minimum(counts, 65535).astype(np.uint16))


class TermIndex:
    """For each term, the documents that have it and how strongly (0 to 1).

    As small as it can be without a bend in the ranking: document numbers of two bytes where they fit, strengths of two.
    """

    def __init__(self, size: int, arrays: Mapping[str, NDArray[Any]]) -> None:
        self.size = size
        self.arrays = {name: arrays[name] for name in ("terms", "starts", "documents", "strengths")}
        self._terms, self._starts, self._documents, self._strengths = self.arrays.values()

    @classmethod
    def build(
        cls,
        postings: Postings,
        size: int,
        weights: Sequence[float],
        lengths: Sequence[float],
        saturation: float,
    ) -> TermIndex:
        """The index of postings of `size` documents."""
        order = np.argsort(postings.hashes, kind="stable")
        terms, starts = np.unique(postings.hashes[order], return_index=True)
        strengths = _strength(postings, size, weights, lengths, saturation)[order]
        arrays = {
            "terms": terms,
            "starts": np.append(starts, len(order)).astype(np.int64),
            "documents": postings.documents[order].astype(np.uint16 if size <= 1 << 16 else np.int32),
            "strengths": strengths.astype(np.float16),
        }
        return cls(size, arrays)

    def find(self, term: int) -> int:
        """The position of a term, -1 when no document has it."""
        position = int(np.searchsorted(self._terms, np.uint64(term)))
        return position if position < len(self._terms) and int(self._terms[position]) == term else -1

    def frequency(self, term: int) -> int:
        """How many documents have the term."""
        position = self.find(term)
        return 0 if position < 0 else int(self._starts[position + 1] - self._starts[position])

    def scores(self, terms: Weighted) -> NDArray[np.float32]:
        """The sum over (term, weight) of weight times strength, for each document."""
        total = np.zeros(self.size, dtype=np.float32)
        for term, weight in terms:
            position = self.find(term)
            if position >= 0:
                rows = slice(self._starts[position], self._starts[position + 1])
                total[self._documents[rows]] += np.float32(weight) * self._strengths[rows].astype(np.float32)
        return total


def _strength(
    postings: Postings, size: int, weights: Sequence[float], lengths: Sequence[float], saturation: float
) -> NDArray[np.float32]:
    weighted = np.zeros(len(postings.documents), dtype=np.float32)
    single = (postings.hashes & np.uint64(1)) == 0  # pairs of terms make a text no longer
    for column, (weight, b) in enumerate(zip(weights, lengths, strict=True)):
        counts = postings.counts[:, column].astype(np.float32)
        length = np.bincount(postings.documents[single], weights=counts[single], minlength=size)
        norm = 1.0 / (1.0 - b + b * length / (length.mean() + 1e-6)) if size else length
        weighted += weight * counts * norm[postings.documents].astype(np.float32)
    return np.divide(weighted, weighted + saturation, dtype=np.float32)
