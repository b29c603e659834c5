"""What documentation search is measured against: plain FTS5, and pg-aiguide's own way of combining two searches."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rookery_core.embedders import Embedder

if TYPE_CHECKING:
    from numpy.typing import NDArray

_WORD = re.compile(r"[A-Za-z0-9_]+")
_RRF_K = 60
_SEMANTIC_WEIGHT = 0.7
_LIMIT = 20
_POOL = 4 * _LIMIT


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage as a peer sees it."""

    page: str
    title: str
    text: str
    vector: NDArray[np.float32] | None


class PlainFts5:
    """One FTS5 table of whole pages, porter stemming, title three times as heavy."""

    def __init__(self, pages: Sequence[tuple[str, str, str]]) -> None:
        self._table = sqlite3.connect(":memory:")
        self._table.execute(
            "create virtual table page using fts5(path unindexed, title, body, tokenize='porter')"
        )
        self._table.executemany("insert into page values (?, ?, ?)", pages)

    def rank(self, query: str) -> list[str]:
        """Paths, best first; words joined by or."""
        words = _fts_query(query)
        if not words:
            return []
        statement = "select path from page where page match ? order by bm25(page, 0, 3.0, 1.0) limit 10"
        return [path for (path,) in self._table.execute(statement, (words,))]


class TwoQueriesRrf:
    """pg-aiguide's hybrid: the nearest chunks and the best chunks by BM25, 80 each, by reciprocal rank (k = 60),
    0.7 to meaning. On the same chunks and vectors as ours; a page ranks where its first chunk does."""

    def __init__(self, chunks: Sequence[Chunk], embedder: Embedder) -> None:
        self._chunks = chunks
        self._embedder = embedder
        self._vectors = np.stack(
            [
                chunk.vector if chunk.vector is not None else np.zeros(embedder.dimensions, np.float32)
                for chunk in chunks
            ]
        )
        self._table = sqlite3.connect(":memory:")
        self._table.execute("create virtual table chunk using fts5(body, tokenize='porter')")
        self._table.executemany(
            "insert into chunk (rowid, body) values (?, ?)",
            [(number, f"{chunk.title}\n{chunk.text}") for number, chunk in enumerate(chunks)],
        )

    async def prepare(self, queries: Sequence[str]) -> None:
        """Embed the queries."""
        vectors = await self._embedder.embed(list(queries), kind="query")
        self._queries = dict(zip(queries, vectors, strict=True))

    def rank(self, query: str) -> list[str]:
        """Paths, best first."""
        scores: dict[int, float] = {}
        near = np.argsort(-(self._vectors @ self._queries[query]))[:_POOL].tolist()
        for weight, numbers in ((_SEMANTIC_WEIGHT, near), (1 - _SEMANTIC_WEIGHT, self._lexical(query))):
            for position, number in enumerate(numbers, start=1):
                scores[number] = scores.get(number, 0.0) + weight / (_RRF_K + position)
        best = sorted(scores, key=lambda number: -scores[number])[:_LIMIT]
        return list(dict.fromkeys(self._chunks[number].page for number in best))

    def _lexical(self, query: str) -> list[int]:
        words = _fts_query(query)
        if not words:
            return []
        statement = f"select rowid from chunk where chunk match ? order by rank limit {_POOL}"
        return [number for (number,) in self._table.execute(statement, (words,))]


def _fts_query(query: str) -> str:
    return " OR ".join(f'"{word}"' for word in dict.fromkeys(_WORD.findall(query)))
