"""One version of a source, in memory, ready to be ranked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rookery_docs.search import weights
from rookery_docs.search.fields import FIELDS
from rookery_docs.search.postings import unpack
from rookery_docs.search.term_index import Postings, TermIndex

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TITLE = FIELDS.index("title")


@dataclass(frozen=True, slots=True)
class PassageRow:
    """A passage as the store lists it: in the order of pages and positions."""

    page_id: int
    path: str
    content_id: int
    kind: str
    postings: bytes
    vector: NDArray[np.float32] | None


class ReleaseIndex:
    """Passages, pages, their words and their vectors."""

    def __init__(self, rows: Sequence[PassageRow], dimensions: int) -> None:
        self.content_ids = np.array([row.content_id for row in rows], dtype=np.int64)
        ids = np.array([row.page_id for row in rows], dtype=np.int64)
        changes = np.flatnonzero(np.diff(ids)) + 1
        self.page_starts = np.concatenate([[0], changes]).astype(np.int64) if len(rows) else changes
        self.page_ids = ids[self.page_starts]
        self.paths = [rows[start].path for start in self.page_starts.tolist()]
        sizes = np.diff(np.append(self.page_starts, len(rows)))
        self.page_of = np.repeat(np.arange(len(self.page_ids), dtype=np.int32), sizes)
        self.prior = np.array(
            [weights.PRIOR[rows[start].kind] for start in self.page_starts.tolist()], dtype=np.float32
        )
        postings = _postings(rows)
        pages = postings.sum_by(self.page_of, take_maximum=[_TITLE])
        field_weights, lengths = weights.FIELD_WEIGHTS, weights.FIELD_LENGTHS
        self.passages = TermIndex(postings, len(rows), field_weights, lengths, weights.PASSAGE_SATURATION)
        self.pages = TermIndex(pages, len(self.page_ids), field_weights, lengths, weights.PAGE_SATURATION)
        self.titles = _Titles(pages, len(self.page_ids))
        self.vectors = _matrix(rows, dimensions)

    def best_of_page(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """The highest of the passages' scores, for each page."""
        return np.maximum.reduceat(scores, self.page_starts) if len(scores) else scores

    def passages_of(self, page: int) -> slice:
        """Where the passages of a page are."""
        following = self.page_starts[page + 1] if page + 1 < len(self.page_starts) else len(self.content_ids)
        return slice(int(self.page_starts[page]), int(following))


class _Titles:
    """Which pages have a term in their title."""

    def __init__(self, pages: Postings, size: int) -> None:
        in_title = pages.counts[:, _TITLE] > 0
        self.size = size
        self._hashes = pages.hashes[in_title]
        self._documents = pages.documents[in_title]
        order = np.argsort(self._hashes, kind="stable")
        self._hashes, self._documents = self._hashes[order], self._documents[order]
        terms, starts, counts = np.unique(self._hashes, return_index=True, return_counts=True)
        self._terms, self._starts = terms, np.append(starts, len(self._hashes))
        rarity = np.log(1.0 + (size + 0.5) / (counts + 0.5))
        self._mass = np.bincount(self._documents, weights=np.repeat(rarity, counts), minlength=size)
        self._rarity = rarity

    def likeness(self, terms: Sequence[tuple[int, float]]) -> NDArray[np.float32]:
        """How far each title and the terms are the same, by the terms' rarity in titles: 0 to 1."""
        shared = np.zeros(self.size)
        asked = 0.0
        absent = float(np.log(1.0 + 2.0 * (self.size + 0.5)))
        for term, weight in terms:
            position = int(np.searchsorted(self._terms, np.uint64(term)))
            if position < len(self._terms) and int(self._terms[position]) == term:
                rarity = weight * float(self._rarity[position])
                shared[self._documents[self._starts[position] : self._starts[position + 1]]] += rarity
                asked += rarity
            else:
                asked += weight * absent
        return (shared / (asked + self._mass - shared + 1e-6)).clip(0, 1).astype(np.float32)


def _postings(rows: Sequence[PassageRow]) -> Postings:
    unpacked = [unpack(row.postings) for row in rows]
    sizes = [len(hashes) for hashes, _ in unpacked]
    documents = np.repeat(np.arange(len(rows), dtype=np.int32), sizes)
    if not unpacked:
        return Postings(documents, np.zeros(0, np.uint64), np.zeros((0, len(FIELDS)), np.uint16))
    hashes = np.concatenate([hashes for hashes, _ in unpacked])
    counts = np.concatenate([counts for _, counts in unpacked]).astype(np.uint16)
    return Postings(documents, hashes, counts)


def _matrix(rows: Sequence[PassageRow], dimensions: int) -> NDArray[np.float32]:
    matrix = np.zeros((len(rows), dimensions), dtype=np.float32)
    for number, row in enumerate(rows):
        if row.vector is not None and len(row.vector) == dimensions:
            matrix[number] = row.vector
    return matrix
