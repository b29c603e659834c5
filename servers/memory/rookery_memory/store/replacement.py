"""What a new memory may make untrue: candidates out of the database, the likeliest first.

There is no threshold: whoever stores the new memory judges the first few.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from rookery_core.ranking import semantic_weight
from rookery_core.ranking.bm25 import containing
from rookery_memory.records import Filters, Scored
from rookery_memory.replacement_ranking import Shared, rank_replaced, rows_where, subject_terms, words_of
from rookery_memory.store import search
from rookery_memory.store.context import SQL, StoreContext

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rookery_core.database import Connection
    from rookery_memory.store.search import Key, Matches, Terms, Vector

    Floats = NDArray[np.float64]
    Booleans = NDArray[np.bool_]

SIMILAR = 3
SAMPLE = 60
"""Memories of each term that are looked at to find out which term is the subject."""
BEST = 100
OF_SUBJECT = 500


@dataclass(frozen=True, slots=True)
class _Said:
    """How a memory begins, as words that tell what kind of thing it says, and its vector."""

    words: frozenset[str]
    vector: Vector | None


async def may_replace(
    conn: Connection, context: StoreContext, scope: str, content: str, vector: Vector | None, but: set[UUID]
) -> list[Scored]:
    """The memories of a scope that a new content may contradict, the likeliest first."""
    size = await conn.fetchval(SQL["count_searched"], [scope], search.COUNTED_SIZE + 1)
    terms = await search.query_terms(conn, content)
    matches = await search.matching(conn, terms, [scope], Filters(), size)
    meaning = await search.by_meaning(conn, context, vector, [scope], Filters(), size)
    near = {key: similarity for key, similarity in meaning.items() if key[0] not in but}
    ranked = await _ranked(conn, context, terms, _without(matches, but), near, vector, size)
    kept = ranked[:SIMILAR]
    memories = await search.fetch_versions(conn, [key for key, _ in kept])
    return [Scored(memories[key], score, 0.0, near.get(key, 0.0)) for key, score in kept if key in memories]


async def _ranked(
    conn: Connection,
    context: StoreContext,
    terms: Terms,
    matches: Matches | None,
    near: dict[Key, float],
    vector: Vector | None,
    size: int,
) -> list[tuple[Key, float]]:
    if matches is None:
        return sorted(((key, max(score, 0.0)) for key, score in near.items()), key=lambda one: -one[1])
    import numpy as np

    weights = np.array(terms.weights) * matches.rarity
    rows = _sample(matches, weights)
    said = await _said(conn, context, [matches.keys[row] for row in rows])
    words = [said[matches.keys[row]].words for row in rows]
    counts = containing(matches.frequencies)
    subject = subject_terms(matches.frequencies[rows], words, terms.lexemes, counts, float(size))
    of_subject = rows_where(np.any(matches.frequencies[:, subject] > 0, axis=1))[:OF_SUBJECT]
    rows = list(dict.fromkeys([*rows, *of_subject]))
    place = {key: row for row, key in enumerate(matches.keys)}
    keys = [matches.keys[row] for row in rows] + [key for key in near if key not in place]
    said |= await _said(conn, context, [key for key in keys if key not in said])
    scores = rank_replaced(
        _shared(matches, keys, place, said),
        terms.lexemes,
        weights,
        subject,
        None if vector is None else np.asarray(vector, dtype=np.float64),
        semantic_weight(context.embedder),
    )
    order = np.argsort(-scores, kind="stable")
    return [(keys[at], float(scores[at])) for at in order]


def _without(matches: Matches | None, but: set[UUID]) -> Matches | None:
    if matches is None:
        return None
    rows = [row for row, key in enumerate(matches.keys) if key[0] not in but]
    return matches.only(rows) if rows else None


def _sample(matches: Matches, weights: Floats) -> list[int]:
    """Some memories of each term, the newest, and the best by all of the terms."""
    import numpy as np

    best: list[int] = np.argsort(-matches.scores(weights), kind="stable")[:BEST].tolist()
    of_terms = [rows_where(column > 0)[:SAMPLE] for column in matches.frequencies.T]
    return list(dict.fromkeys(row for rows in (best, *of_terms) for row in rows))


async def _said(conn: Connection, context: StoreContext, keys: list[Key]) -> dict[Key, _Said]:
    if not keys:
        return {}
    rows = await conn.fetch(
        SQL["said_and_meant"], context.model, [key[0] for key in keys], [key[1] for key in keys]
    )
    return {(row[0], row[1]): _Said(words_of(row[2]), row[3]) for row in rows}


def _shared(matches: Matches, keys: list[Key], place: dict[Key, int], said: dict[Key, _Said]) -> Shared:
    """What is known of these memories; one that only means something similar shares no term."""
    import numpy as np

    known = [at for at, key in enumerate(keys) if key in place]
    rows = [place[keys[at]] for at in known]
    frequencies = np.zeros((len(keys), matches.frequencies.shape[1]))
    frequencies[known] = matches.frequencies[rows]
    lengths = np.full(len(keys), float(matches.lengths.mean()))
    lengths[known] = matches.lengths[rows]
    return Shared(frequencies, lengths, [said[key].words for key in keys], _vectors(said, keys))


def _vectors(said: dict[Key, _Said], keys: list[Key]) -> Floats:
    import numpy as np

    found = [said[key].vector for key in keys]
    dimensions = max((len(vector) for vector in found if vector is not None), default=1)
    missing = np.full(dimensions, np.nan)
    return np.array(
        [
            missing if vector is None or len(vector) != dimensions else np.asarray(vector, dtype=np.float64)
            for vector in found
        ]
    )
