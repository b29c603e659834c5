"""The two legs of a search: candidates by words, widened by what stands beside them, and candidates by meaning."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from rookery_core.ranking import prepare_query
from rookery_slack.search.pools import NARROW, WORD_POOL, pools
from rookery_slack.store import COLLECTION

if TYPE_CHECKING:
    from rookery_core.database import Row
    from rookery_core.embedders import Embedder
    from rookery_core.ranking import PreparedQuery
    from rookery_slack.search.narrowing import Narrowing
    from rookery_slack.store.session import Session

Place = tuple[str, datetime]
"""A message: its channel and its time."""

DENSE = 0.06
"""What is in a greater share of messages is soonest found by going through them from the newest on."""
FEW = 20
"""With fewer candidates than this the next way to gather some is tried: the rarest word may be a slip of the pen."""
LEG = 200
"""Candidates that words give."""
NEAREST = 100
"""Candidates that meaning gives: beyond them an index takes long, and a small model is sure of nothing."""
NEAREST_LEFT = 40
"""As many where an index also walks past all that a narrowing leaves out."""
BESIDE = timedelta(minutes=10)
AFTER_ONE, BEFORE_ONE = 0.6, 0.3
"""How much of a message's score the next one gets (an answer follows its question), and the one before; for each step
further half of it."""
STEPS = 2
EXPANDED = 60
"""Candidates whose neighbours are looked at."""


@dataclass(slots=True)
class Leg:
    """Candidates with their scores, and the thread of each (None: it is in none, or begins one)."""

    scores: dict[Place, float] = field(default_factory=dict[Place, float])
    threads: dict[Place, datetime | None] = field(default_factory=dict[Place, "datetime | None"])

    def add(self, rows: list[Row]) -> Leg:
        """Take in what a statement found; returns itself."""
        for row in rows:
            place = (row["channel"], row["ts"])
            self.scores[place], self.threads[place] = float(row["score"]), row["thread_ts"]
        return self

    def best(self, most: int) -> Leg:
        """The highest scores, best first; of equal ones the newest."""
        first = sorted(self.scores, key=lambda place: (-self.scores[place], -place[1].timestamp(), place[0]))[
            :most
        ]
        return Leg(
            {place: self.scores[place] for place in first}, {place: self.threads[place] for place in first}
        )


async def count_left(session: Session, narrow: Narrowing) -> int:
    """How many messages a search has to look through, counted no further than NARROW + 1."""
    return await session.value("count_narrowed", narrow.row(), NARROW + 1)


async def by_words(session: Session, text: str, narrow: Narrowing, left: int) -> tuple[Leg, bool]:
    """BM25 scores of the best candidates, each with a share of what its neighbours score; and whether the query
    holds any word at all. left: of count_left."""
    prepared = await prepare_query(session.connection, session.caller.team, COLLECTION, text, pool=WORD_POOL)
    if prepared is None:
        return Leg(), False
    found = Leg()
    counted = await session.value("counted_messages", session.caller.team, COLLECTION)
    share = (
        await session.value("share_left", narrow.row()) if left > NARROW and not narrow.leaves_all else 1.0
    )
    only_words = prepared.phrases is None and narrow.only_place_and_end
    for pool in pools(prepared, left, counted):
        rows = await session.rows(
            "search_words", pool.candidates, prepared.phrases, prepared.terms, prepared.weights,
            prepared.average_length, narrow.row(), pool.likely * share,
            only_words and pool.likely > DENSE * counted, pool.most, LEG,
        )  # fmt: skip
        if len(found.add(rows).scores) >= FEW:
            break
    return await _with_neighbours(session, found.best(LEG), prepared, narrow, only_words=only_words), True


async def _with_neighbours(
    session: Session, leg: Leg, prepared: PreparedQuery, narrow: Narrowing, *, only_words: bool
) -> Leg:
    """A question and its answer share few words: what stands beside a match counts a part of it.

    It need not match itself, unless the search asks for more than words: an author, a file, a phrase.
    """
    if not leg.scores:
        return leg
    places = list(leg.scores)[:EXPANDED]
    rows = await session.rows(
        "score_neighbours", [channel for channel, _ in places], [ts for _, ts in places], BESIDE, STEPS,
        prepared.terms, prepared.weights, prepared.average_length,
    )  # fmt: skip
    own, threads = dict(leg.scores), dict(leg.threads)
    pairs: dict[tuple[Place, Place], int] = {}
    for row in rows:
        place, beside = (row["channel"], row["ts"]), (row["channel"], row["neighbour_ts"])
        if beside not in leg.scores and (
            not only_words or (narrow.to_ts is not None and beside[1] > narrow.to_ts)
        ):
            continue
        own.setdefault(beside, float(row["score"]))
        threads.setdefault(beside, row["thread_ts"])
        pairs[place, beside] = row["place"]
        pairs[beside, place] = -row["place"]
    total = dict(own)
    for (place, beside), steps in pairs.items():
        # beside stands `steps` after place: place gets of it what the one before gets, or the one after
        first = BEFORE_ONE if steps > 0 else AFTER_ONE
        total[place] += own[beside] * first / 2 ** (abs(steps) - 1)
    return Leg(total, threads)


async def by_meaning(session: Session, text: str, narrow: Narrowing, embedder: Embedder, left: int) -> Leg:
    """Cosine similarities of the best candidates. Raises Unavailable when the embedder is not reachable.
    left: of count_left."""
    vector = (await embedder.embed([text], kind="query"))[0]
    if not vector.any():
        return Leg()
    return Leg().add(await _nearest(session, vector, embedder.model, narrow, left))


async def _nearest(session: Session, vector: Any, model: str, narrow: Narrowing, left: int) -> list[Row]:
    """Through the index where the search is broad; else, and for what is not public, every row is looked at."""
    broad = narrow.thread_ts is None and left > NARROW
    if not broad or not await session.value("has_vector_index", model):
        return await session.rows("search_vectors_exactly", vector, model, narrow.row(), None, NEAREST)
    most = NEAREST if narrow.leaves_all else NEAREST_LEFT
    public = await session.rows("search_vectors_indexed", vector, model, narrow.row(), most)
    private = await session.rows("search_vectors_exactly", vector, model, narrow.row(), False, most)
    if len(public) < most:  # the index gave up before it found enough
        public = await session.rows("search_vectors_exactly", vector, model, narrow.row(), True, most)
    return sorted(
        [*public, *private], key=lambda row: (-row["score"], -row["ts"].timestamp(), row["channel"])
    )[:most]
