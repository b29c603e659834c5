"""One version of a source, in memory, ready to be ranked."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from rookery_docs.search import weights
from rookery_docs.search.fields import FIELDS
from rookery_docs.search.postings import unpack
from rookery_docs.search.term_index import Postings, TermIndex
from rookery_docs.search.titles import Titles

if TYPE_CHECKING:
    from numpy.typing import NDArray

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TITLE = FIELDS.index("title")
_FEW = 100
"""Passages that are too few to tell what all texts of a kind have in common: their centre stays near zero."""


@dataclass(frozen=True, slots=True)
class PassageRow:
    """A passage as the store lists it: in the order of pages and positions."""

    page_id: int
    path: str
    content_id: int
    kind: str
    postings: bytes
    vector: NDArray[np.float32] | None
    url: str
    title: str
    heading_path: Sequence[str]
    anchor: str | None
    text: str


class IndexedPage(NamedTuple):
    """What a page is called, and where people read it."""

    path: str
    url: str
    title: str


class ReleaseIndex:
    """Passages, pages, their words, vectors and texts. It is a set of arrays and the pages' names, nothing else."""

    def __init__(self, arrays: Mapping[str, NDArray[Any]], listed: Sequence[IndexedPage]) -> None:
        self.arrays = arrays
        self.listed = listed
        self.content_ids = arrays["content_ids"]
        self.page_starts = arrays["page_starts"]
        self.prior = arrays["prior"]
        self.vectors = arrays["vectors"]
        self._centre = arrays["centre"]
        self.passages = TermIndex(len(self.content_ids), _part(arrays, "passages"))
        self.pages = TermIndex(len(listed), _part(arrays, "pages"))
        self.titles = Titles(_part(arrays, "titles"))
        self.texts = PassageTexts(_part(arrays, "texts"))

    @classmethod
    def build(cls, rows: Sequence[PassageRow], dimensions: int) -> ReleaseIndex:
        """The index of the passages that a store lists."""
        ids = np.array([row.page_id for row in rows], dtype=np.int64)
        changes = np.flatnonzero(np.diff(ids)) + 1
        starts = np.concatenate([[0], changes]).astype(np.int64) if len(rows) else changes
        firsts = [rows[start] for start in starts.tolist()]
        sizes = np.diff(np.append(starts, len(rows)))
        postings = _postings(rows)
        of_pages = postings.sum_by(np.repeat(np.arange(len(firsts), dtype=np.int32), sizes), [_TITLE])
        fields = (weights.FIELD_WEIGHTS, weights.FIELD_LENGTHS)
        vectors = _matrix(rows, dimensions)
        centre = vectors.sum(axis=0) / (len(rows) + _FEW)
        arrays: dict[str, NDArray[Any]] = {
            "content_ids": np.array([row.content_id for row in rows], dtype=np.int64),
            "page_starts": starts,
            "prior": np.array([weights.PRIOR[first.kind] for first in firsts], dtype=np.float32),
            "vectors": _from(centre, vectors),
            "centre": centre,
        }
        parts = {
            "passages": TermIndex.build(postings, len(rows), *fields, weights.PASSAGE_SATURATION).arrays,
            "pages": TermIndex.build(of_pages, len(firsts), *fields, weights.PAGE_SATURATION).arrays,
            "titles": Titles.build(of_pages, len(firsts), _TITLE).arrays,
            "texts": PassageTexts.build(
                PassageText(tuple(row.heading_path), row.anchor, row.text) for row in rows
            ).arrays,
        }
        for name, part in parts.items():
            arrays |= {f"{name}.{key}": array for key, array in part.items()}
        return cls(arrays, [IndexedPage(first.path, first.url, first.title) for first in firsts])

    def best_of_page(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """The highest of the passages' scores, for each page."""
        return np.maximum.reduceat(scores, self.page_starts) if len(scores) else scores

    def nearness(self, vector: NDArray[np.float32]) -> NDArray[np.float32] | None:
        """The cosine between each passage and a vector, both seen from the centre of all passages: what every text here
        has in common tells them not apart. 0 for a passage without vector; None when the vector is another model's."""
        if len(vector) != self.vectors.shape[1]:
            return None
        return self.vectors @ _from(self._centre, vector)

    def passages_of(self, page: int) -> slice:
        """Where the passages of a page are."""
        following = self.page_starts[page + 1] if page + 1 < len(self.page_starts) else len(self.content_ids)
        return slice(int(self.page_starts[page]), int(following))


def _part(arrays: Mapping[str, NDArray[Any]], name: str) -> dict[str, NDArray[Any]]:
    prefix = name + "."
    return {key.removeprefix(prefix): array for key, array in arrays.items() if key.startswith(prefix)}


def _postings(rows: Sequence[PassageRow]) -> Postings:
    unpacked = [unpack(row.postings) for row in rows]
    sizes = [len(hashes) for hashes, _ in unpacked]
    documents = np.repeat(np.arange(len(rows), dtype=np.int32), sizes)
    if not unpacked:
        return Postings(documents, np.zeros(0, np.uint64), np.zeros((0, len(FIELDS)), np.uint16))
    hashes = np.concatenate([hashes for hashes, _ in unpacked])
    counts = np.concatenate([counts for _, counts in unpacked]).astype(np.uint16)
    return Postings(documents, hashes, counts)


def _from(centre: NDArray[np.float32], vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Where vectors point to from the centre, each of length 1; one of zeros, which is none, stays so."""
    moved = np.where(vectors.any(axis=-1, keepdims=True), vectors - centre, vectors)
    lengths = np.linalg.norm(moved, axis=-1, keepdims=True)
    return np.divide(moved, lengths, out=np.zeros_like(moved), where=lengths > 0)


def _matrix(rows: Sequence[PassageRow], dimensions: int) -> NDArray[np.float32]:
    matrix = np.zeros((len(rows), dimensions), dtype=np.float32)
    for number, row in enumerate(rows):
        if row.vector is not None and len(row.vector) == dimensions:
            matrix[number] = row.vector
    return matrix


class PassageText(NamedTuple):
    """What a passage says, under which headings, and the anchor that leads to it."""

    heading_path: tuple[str, ...]
    anchor: str | None
    text: str


class PassageTexts:
    """Passages by number. Each is read when it is asked for: few of those ranked are shown."""

    def __init__(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        self.arrays = arrays
        self._packed, self._starts = arrays["packed"], arrays["starts"]

    @classmethod
    def build(cls, texts: Iterable[PassageText]) -> PassageTexts:
        """The passages in their order."""
        parts = [json.dumps(text, ensure_ascii=False).encode() for text in texts]
        starts = np.cumsum([0, *map(len, parts)], dtype=np.int64)
        return cls({"packed": np.frombuffer(b"".join(parts), dtype=np.uint8), "starts": starts})

    def __getitem__(self, number: int) -> PassageText:
        heading_path, anchor, text = json.loads(
            self._packed[self._starts[number] : self._starts[number + 1]].tobytes()
        )
        return PassageText(tuple(heading_path), anchor, text)
