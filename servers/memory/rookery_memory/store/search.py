"""Finding memories: by words and by meaning, in the caller's scopes.

`make bench-memory` prints the figures behind the weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from rookery_core.ranking import fuse, searchable, semantic_weight
from rookery_core.ranking.bm25 import bm25, containing, idf
from rookery_core.ranking.fit import best_fit, is_unfit, scaled
from rookery_memory.records import Filters, Memory, Scored
from rookery_memory.store.context import SQL, StoreContext
from rookery_memory.store.rows import memory_from

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rookery_core.database import Connection, Row

    Vector = NDArray[np.float32]
    Floats = NDArray[np.float64]

Key = tuple[UUID, int]

COUNTED_SIZE = 2000
"""Up to so many rows everything that matches is scored; beyond, a pool of candidates."""
POOL = 1000
NEAREST = 200
LEAST_SIMILARITY = 0.15
FEW = 20
"""In fewer memories no word is rare and the nearest one may be meant: what is found is answered, with its low score."""
FLOOR = 0.32
"""The least fit of an answer; measured with `make bench-answers`."""
HALF_LIFE_DAYS = 180.0


@dataclass(frozen=True, slots=True)
class Terms:
    """What a query looks for: lexemes, each as a tsquery, with its weight."""

    lexemes: list[str]
    terms: list[str]
    weights: list[float]

    @property
    def any(self) -> str | None:
        """The tsquery that any of them satisfies; None, which nothing satisfies, when there are none."""
        return " | ".join(self.terms) or None


@dataclass(frozen=True, slots=True)
class Hits:
    """Candidates with their scores by words and by meaning, before they are fused."""

    words: dict[Key, float]
    coverage: dict[Key, float]
    meaning: dict[Key, float]
    size: int

    @property
    def best_coverage(self) -> float:
        """How much of the query, by weight, the best match by words has."""
        return max(self.coverage.values(), default=0.0)


async def query_terms(connection: Connection, query: str) -> Terms:
    """The lexemes of any text; none when there is nothing to look for."""
    rows = await connection.fetch(SQL["query_lexemes"], searchable(query))
    return Terms([row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows])


async def find(
    connection: Connection,
    context: StoreContext,
    query: str,
    vector: NDArray[np.float32] | None,
    scopes: Sequence[str] | None,
    filters: Filters,
    limit: int,
) -> list[Scored]:
    """The best `limit` memories of the caller's scopes, best first; vector: the query's, or None."""
    hits = await find_hits(connection, context, query, vector, scopes, filters)
    ranked = fuse(hits.words, hits.meaning, semantic_weight(context.embedder), hits.best_coverage)
    ranked = [
        (key, score) for key, score in ranked if key in hits.words or hits.meaning[key] >= LEAST_SIMILARITY
    ]
    best = best_fit((key for key, _ in ranked), hits.coverage, hits.meaning)
    if hits.size >= FEW and is_unfit(best, FLOOR, context.embedder):
        return []
    kept = scaled(ranked, best)[: max(3 * limit, 30)]
    memories = await fetch_versions(connection, [key for key, _ in kept])
    now = filters.as_of or datetime.now(UTC)
    scored = [
        Scored(
            memories[key],
            score * staying_power(memories[key], now),
            hits.coverage.get(key, 0.0),
            hits.meaning.get(key, 0.0),
        )
        for key, score in kept
        if key in memories
    ]
    scored.sort(key=lambda one: -one.score)
    return scored[:limit]


async def find_hits(
    connection: Connection,
    context: StoreContext,
    query: str,
    vector: NDArray[np.float32] | None,
    scopes: Sequence[str] | None,
    filters: Filters,
) -> Hits:
    """Candidates by words and by meaning."""
    asked = list(scopes) if scopes is not None else None
    size = await connection.fetchval(SQL["count_searched"], asked, COUNTED_SIZE + 1)
    terms = await query_terms(connection, query)
    words, coverage = _by_words(await matching(connection, terms, asked, filters, size), terms)
    meaning = await by_meaning(connection, context, vector, asked, filters, size)
    return Hits(words, coverage, meaning, size)


@dataclass(frozen=True, slots=True)
class Matches:
    """Memories that have any of a query's terms. frequencies: a row each, a column for each term.

    rarity: of each term, in all that is searched; average_length: of a memory there, None where only these tell.
    """

    keys: list[Key]
    frequencies: Floats
    lengths: Floats
    rarity: Floats
    average_length: float | None

    def scores(self, weights: Floats) -> Floats:
        """BM25 of each memory."""
        return bm25(self.frequencies, self.lengths, weights, self.average_length)

    def only(self, rows: Sequence[int]) -> Matches:
        """The same of these rows."""
        keys = [self.keys[row] for row in rows]
        chosen = list(rows)
        return Matches(keys, self.frequencies[chosen], self.lengths[chosen], self.rarity, self.average_length)


async def matching(
    connection: Connection, terms: Terms, asked: list[str] | None, filters: Filters, size: int
) -> Matches | None:
    """What has any of the terms, or in a large scope any of the rarest of them; None when nothing has."""
    if not terms.terms or not size:
        return None
    matching, statistics = terms.any, None
    if size > COUNTED_SIZE:
        statistics = await connection.fetchrow(SQL["lexeme_counts"], asked, terms.lexemes)
        if statistics is not None and statistics["memories"]:
            counts = [float(count) for count in statistics["containing"]]
            matching = await connection.fetchval(SQL["rarest"], terms.terms, counts, float(POOL))
    rows = await connection.fetch(
        SQL["lexical_hits"], asked, terms.terms, matching, filters.as_row(), 2 * POOL
    )
    return _matches(rows, size, statistics) if rows else None


def _matches(rows: Sequence[Row], size: int, statistics: Row | None) -> Matches:
    import numpy as np

    frequencies = np.array([row[3] for row in rows], dtype=np.float64)
    if statistics is not None and statistics["memories"]:
        counts = np.array([float(count) for count in statistics["containing"]])
        rarity = idf(float(statistics["memories"]), np.maximum(counts, 1.0))
        average = float(statistics["average_length"])
    else:
        rarity, average = idf(float(size), containing(frequencies)), None
    lengths = np.array([row[2] for row in rows], dtype=np.float64)
    return Matches([(row[0], row[1]) for row in rows], frequencies, lengths, rarity, average)


def _by_words(matches: Matches | None, terms: Terms) -> tuple[dict[Key, float], dict[Key, float]]:
    """BM25 of each match, and how much of the query, by weight, it has."""
    import numpy as np

    if matches is None:
        return {}, {}
    weights = np.array(terms.weights) * matches.rarity
    scores = matches.scores(weights)
    covered = (matches.frequencies > 0) @ weights / max(float(weights.sum()), 1e-9)
    best = np.argsort(-scores, kind="stable")[: 2 * NEAREST]
    return (
        {matches.keys[at]: float(scores[at]) for at in best},
        {matches.keys[at]: float(covered[at]) for at in best},
    )


async def by_meaning(
    connection: Connection,
    context: StoreContext,
    vector: NDArray[np.float32] | None,
    asked: list[str] | None,
    filters: Filters,
    size: int,
) -> dict[Key, float]:
    """The nearest memories with their similarity; none without a vector."""
    if vector is None or not size:
        return {}
    statement = "semantic_hits" if size <= COUNTED_SIZE else "nearest_hits"
    rows = await connection.fetch(SQL[statement], asked, context.model, vector, filters.as_row(), NEAREST)
    return {(row[0], row[1]): float(row[2]) for row in rows}


async def fetch_versions(connection: Connection, keys: Sequence[Key]) -> dict[Key, Memory]:
    """The versions of these keys that the caller may see."""
    if not keys:
        return {}
    rows = await connection.fetch(SQL["fetch_versions"], [key[0] for key in keys], [key[1] for key in keys])
    return {(row["id"], row["version"]): memory_from(row) for row in rows}


def staying_power(memory: Memory, now: datetime) -> float:
    """What age and importance leave of a score: 0.85 to 1. Never a filter, and a pinned memory does not fade."""
    if memory.pinned:
        return 1.0
    age_days = max((now - memory.valid_from).total_seconds() / 86_400, 0.0)
    return 0.85 + 0.1 * memory.importance + 0.05 * 0.5 ** (age_days / HALF_LIFE_DAYS)
