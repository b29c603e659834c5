"""What a new memory may make untrue: candidates out of the database, the likeliest first.

The author of the new memory judges the first few; what hardly shares a word or a meaning with it is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from rookery_core.ranking import semantic_weight
from rookery_core.ranking.bm25 import containing
from rookery_memory.records import Filters, Scored
from rookery_memory.search.counterparts import shares_with_counterparts, telling_words
from rookery_memory.search.replacement_ranking import (
    Shared,
    of_subject,
    rank_replaced,
    rows_where,
    subject_terms,
    words_of,
)
from rookery_memory.store import search
from rookery_memory.store.context import SQL, StoreContext
from rookery_memory.store.search import Matches

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rookery_core.database import Connection
    from rookery_memory.store.search import Key, Terms, Vector

    Floats = NDArray[np.float64]
    Booleans = NDArray[np.bool_]

SIMILAR = 3
SAMPLE = 60
"""Memories of each term that are looked at to find out which term is the subject."""
BEST = 100
OF_SUBJECT = 500
BEGINNING = 400
"""Characters of a memory that are looked at word by word."""


@dataclass(frozen=True, slots=True)
class _New:
    """The new content, what to look for because of it, and its vector."""

    content: str
    terms: Terms
    vector: Vector | None


@dataclass(frozen=True, slots=True)
class _Said:
    """How a memory begins, the words of that which tell what kind of thing it says, and its vector."""

    beginning: str
    words: frozenset[str]
    vector: Vector | None


async def may_replace(
    connection: Connection,
    context: StoreContext,
    scope: str,
    content: str,
    vector: Vector | None,
    but: set[UUID],
) -> list[Scored]:
    """The memories of a scope that a new content may contradict, the likeliest first."""
    size = await connection.fetchval(SQL["count_searched"], [scope], search.COUNTED_SIZE + 1)
    new = _New(content, await search.query_terms(connection, content), vector)
    matches = _without(await search.matching(connection, new.terms, [scope], Filters(), size), but, new.terms)
    meaning = await search.by_meaning(connection, context, vector, [scope], Filters(), size)
    near = {key: similarity for key, similarity in meaning.items() if key[0] not in but}
    held = set(matches.keys)
    ranked = await _ranked(connection, context, new, matches, list(near), size)
    kept = [
        (key, score)
        for key, score in ranked[:SIMILAR]
        if key in held or near.get(key, 0.0) >= search.LEAST_SIMILARITY
    ]
    memories = await search.fetch_versions(connection, [key for key, _ in kept])
    return [Scored(memories[key], score, 0.0, near.get(key, 0.0)) for key, score in kept if key in memories]


async def _ranked(
    connection: Connection, context: StoreContext, new: _New, matches: Matches, near: Sequence[Key], size: int
) -> list[tuple[Key, float]]:
    import numpy as np

    weights = np.array(new.terms.weights) * matches.rarity
    rows = _sample(matches, weights)
    said = await _said(connection, context, [matches.keys[row] for row in rows])
    subject = _subject(new, matches, rows, said, size)
    members = rows_where(of_subject(matches.frequencies, subject))[:OF_SUBJECT]
    rows = list(dict.fromkeys([*rows, *members]))
    place = {key: row for row, key in enumerate(matches.keys)}
    keys = [matches.keys[row] for row in rows] + [key for key in near if key not in place]
    said |= await _said(connection, context, [key for key in keys if key not in said])
    shared = _shared(matches, keys, place, said)
    scores = rank_replaced(
        shared,
        new.terms.lexemes,
        weights,
        subject,
        None if new.vector is None else np.asarray(new.vector, dtype=np.float64),
        semantic_weight(context.embedder),
        await _counterparts(context, new, subject, shared, [said[key].beginning for key in keys]),
    )
    order = np.argsort(-scores, kind="stable")
    return [(keys[at], float(scores[at])) for at in order]


def _subject(new: _New, matches: Matches, rows: Sequence[int], said: dict[Key, _Said], size: int) -> Booleans:
    words = [said[matches.keys[row]].words for row in rows]
    counts = containing(matches.frequencies)
    return subject_terms(matches.frequencies[list(rows)], words, new.terms.lexemes, counts, float(size))


def _without(matches: Matches | None, but: set[UUID], terms: Terms) -> Matches:
    import numpy as np

    if matches is None:
        count = len(terms.terms)
        return Matches([], np.zeros((0, count)), np.zeros(0), np.zeros(count), None)
    return matches.only([row for row, key in enumerate(matches.keys) if key[0] not in but])


def _sample(matches: Matches, weights: Floats) -> list[int]:
    """Some memories of each term, the newest, and the best by all of the terms."""
    import numpy as np

    best: list[int] = np.argsort(-matches.scores(weights), kind="stable")[:BEST].tolist()
    of_terms = [rows_where(column > 0)[:SAMPLE] for column in matches.frequencies.T]
    return list(dict.fromkeys(row for rows in (best, *of_terms) for row in rows))


async def _said(connection: Connection, context: StoreContext, keys: list[Key]) -> dict[Key, _Said]:
    if not keys:
        return {}
    rows = await connection.fetch(
        SQL["said_and_meant"], context.model, [key[0] for key in keys], [key[1] for key in keys], BEGINNING
    )
    return {(row[0], row[1]): _Said(row[2], words_of(row[2]), row[3]) for row in rows}


async def _counterparts(
    context: StoreContext, new: _New, subject: Booleans, shared: Shared, beginnings: Sequence[str]
) -> Floats | None:
    """How much of what each memory says of the subject has its counterpart in the new one; None without a model."""
    import numpy as np

    about = [new.terms.lexemes[term] for term in rows_where(subject)]
    own = rows_where(of_subject(shared.frequencies, subject)) or list(range(len(beginnings)))
    told = [telling_words(beginnings[row], about) for row in own]
    words = telling_words(new.content[:BEGINNING], about)
    vectors = await context.word_vectors({word.text for each in (words, *told) for word in each})
    if vectors is None:
        return None
    shares = np.zeros(len(beginnings))
    shares[own] = shares_with_counterparts(told, words, vectors)
    return shares


def _shared(matches: Matches, keys: list[Key], place: dict[Key, int], said: dict[Key, _Said]) -> Shared:
    """What is known of these memories; one that only means something similar shares no term."""
    import numpy as np

    known = [at for at, key in enumerate(keys) if key in place]
    rows = [place[keys[at]] for at in known]
    frequencies = np.zeros((len(keys), matches.frequencies.shape[1]))
    frequencies[known] = matches.frequencies[rows]
    lengths = np.full(len(keys), float(matches.lengths.mean()) if len(matches.lengths) else 1.0)
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
