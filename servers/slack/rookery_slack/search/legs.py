"""The two legs of a search: candidates by words, widened by what stands beside them, and candidates by meaning."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from rookery_core.ranking import prepare_query
from rookery_slack.store import COLLECTION

if TYPE_CHECKING:
    from rookery_core.embedders import Embedder
    from rookery_core.ranking import PreparedQuery
    from rookery_slack.search.narrowing import Narrowing
    from rookery_slack.store.session import Session

Place = tuple[str, datetime]
"""A message: its channel and its time."""

WORD_POOL = 2000
"""Messages that are scored for words, the newest of those that have any of the rarest."""
LEG = 200
"""Candidates a leg gives."""
NARROW = 20_000
"""A search that leaves no more rows than this looks at every vector: an index would lose some."""
BESIDE = timedelta(minutes=10)
AFTER_ONE, BEFORE_ONE = 0.6, 0.3
"""How much of a message's score the next one gets (an answer follows its question), and the one before; for each step
further half of it."""
STEPS = 2
EXPANDED = 60
"""Candidates whose neighbours are looked at."""


async def by_words(session: Session, text: str, narrow: Narrowing) -> tuple[dict[Place, float], bool]:
    """BM25 scores of the best candidates, each with a share of what its neighbours score; and whether the query
    holds any word at all."""
    prepared = await prepare_query(session.connection, session.caller.team, COLLECTION, text, pool=WORD_POOL)
    if prepared is None:
        return {}, False
    rows = await session.rows(
        "search_words", prepared.candidates, prepared.phrases, prepared.terms, prepared.weights,
        prepared.average_length, narrow.row(), WORD_POOL, LEG,
    )  # fmt: skip
    scores = {(row["channel"], row["ts"]): float(row["score"]) for row in rows}
    return await _with_neighbours(session, scores, prepared, narrow), True


async def _with_neighbours(
    session: Session, scores: dict[Place, float], prepared: PreparedQuery, narrow: Narrowing
) -> dict[Place, float]:
    """A question and its answer share few words: what stands beside a match counts a part of it.

    It need not match itself, unless the search asks for more than words: an author, a file, a phrase.
    """
    if not scores:
        return scores
    places = list(scores)[:EXPANDED]
    closed = prepared.phrases is not None or not narrow.only_place_and_end
    rows = await session.rows(
        "score_neighbours", [channel for channel, _ in places], [ts for _, ts in places], BESIDE, STEPS,
        prepared.terms, prepared.weights, prepared.average_length,
    )  # fmt: skip
    own = dict(scores)
    pairs: dict[tuple[Place, Place], int] = {}
    for row in rows:
        place, beside = (row["channel"], row["ts"]), (row["channel"], row["neighbour_ts"])
        if beside not in scores and (closed or (narrow.to_ts is not None and beside[1] > narrow.to_ts)):
            continue
        own.setdefault(beside, float(row["score"]))
        pairs[place, beside] = row["place"]
        pairs[beside, place] = -row["place"]
    total = dict(own)
    for (place, beside), steps in pairs.items():
        # beside stands `steps` after place: place gets of it what the one before gets, or the one after
        first = BEFORE_ONE if steps > 0 else AFTER_ONE
        total[place] += own[beside] * first / 2 ** (abs(steps) - 1)
    return total


async def by_meaning(
    session: Session, text: str, narrow: Narrowing, embedder: Embedder
) -> dict[Place, float]:
    """Cosine similarities of the best candidates. Raises Unavailable when the embedder is not reachable."""
    vector = (await embedder.embed([text], kind="query"))[0]
    if not vector.any():
        return {}
    rows = await _nearest(session, vector, embedder.model, narrow)
    return {(row["channel"], row["ts"]): float(row["score"]) for row in rows}


async def _nearest(session: Session, vector: Any, model: str, narrow: Narrowing) -> list[Any]:
    """Through the index where the search is broad; else, and for what is not public, every row is looked at."""
    indexed = narrow.thread_ts is None and await session.value("has_vector_index", model)
    if not indexed or await session.value("count_narrowed", narrow.row(), NARROW + 1) <= NARROW:
        return await session.rows("search_vectors_exactly", vector, model, narrow.row(), None, LEG)
    public = await session.rows("search_vectors_indexed", vector, model, narrow.row(), LEG)
    private = await session.rows("search_vectors_exactly", vector, model, narrow.row(), False, LEG)
    if len(public) < LEG:  # the index gave up before it found enough
        public = await session.rows("search_vectors_exactly", vector, model, narrow.row(), True, LEG)
    return sorted(
        [*public, *private], key=lambda row: (-row["score"], -row["ts"].timestamp(), row["channel"])
    )[:LEG]
