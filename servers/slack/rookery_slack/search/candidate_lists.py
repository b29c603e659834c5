"""The two candidate lists of a search: lexical, with the neighbours of each match, and semantic.

The constants are measured with `make bench-slack`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from rookery_core.ranking import prepare_query
from rookery_slack.search.candidate_queries import NARROW, WORD_POOL, candidate_queries
from rookery_slack.store import COLLECTION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rookery_core.database import Row
    from rookery_core.embedders import Embedder
    from rookery_core.ranking import PreparedQuery
    from rookery_slack.search.filters import SearchFilter
    from rookery_slack.store.session import Session

MessageKey = tuple[str, datetime]
"""A message: its channel and its time."""

DENSE = 0.06
"""What is in a greater share of messages is soonest found by going through them from the newest on."""
FEW = 20
"""With fewer candidates than this the next way to gather some is tried: the rarest word may be a slip of the pen."""
MAX_LEXICAL = 200
"""Candidates of the lexical list."""
MAX_NEWEST = 1000
"""Messages of a search without words."""
NEAREST = 100
"""Candidates of the semantic list: beyond them an index takes long, and a small model is sure of nothing."""
NEAREST_LEFT = 40
"""As many where an index also walks past all that a filter leaves out."""
BESIDE = timedelta(minutes=10)
AFTER_ONE, BEFORE_ONE = 0.6, 0.3
"""How much of a message's score the next one gets (an answer follows its question), and the one before; for each step
further half of it."""
STEPS = 2
EXPANDED = 60
"""Candidates whose neighbours are looked at."""


@dataclass(slots=True)
class CandidateList:
    """Candidates with their scores, and the thread of each (None: it is in none, or begins one).

    shares: of the weight of the query's words, what each candidate holds itself.
    """

    scores: dict[MessageKey, float] = field(default_factory=dict[MessageKey, float])
    threads: dict[MessageKey, datetime | None] = field(default_factory=dict[MessageKey, "datetime | None"])
    shares: dict[MessageKey, float] = field(default_factory=dict[MessageKey, float])

    def add(self, rows: list[Row]) -> CandidateList:
        """Take in what a statement found; returns itself."""
        for row in rows:
            key = (row["channel"], row["ts"])
            self.scores[key], self.threads[key] = float(row["score"]), row["thread_ts"]
        return self

    def best(self, most: int) -> CandidateList:
        """The highest scores, best first; of equal ones the newest."""
        first = sorted(self.scores, key=lambda place: (-self.scores[place], -place[1].timestamp(), place[0]))[
            :most
        ]
        return CandidateList(
            {place: self.scores[place] for place in first}, {place: self.threads[place] for place in first}
        )


async def count_messages(session: Session, search_filter: SearchFilter) -> int:
    """How many messages a search has to look through, counted no further than NARROW + 1."""
    return await session.value("count_narrowed", search_filter.row(), NARROW + 1)


async def newest_messages(session: Session, search_filter: SearchFilter) -> CandidateList:
    """The newest messages that fit, newest first, without scores."""
    rows = await session.rows("newest_messages", search_filter.row(), MAX_NEWEST)
    return CandidateList(threads={(row["channel"], row["ts"]): row["thread_ts"] for row in rows})


async def lexical_candidates(
    session: Session, text: str, search_filter: SearchFilter, left: int
) -> tuple[CandidateList, bool]:
    """BM25 scores of the best candidates, each with a share of what its neighbours score; and whether the query
    holds any word at all. left: of count_messages."""
    prepared = await prepare_query(session.connection, session.caller.team, COLLECTION, text, pool=WORD_POOL)
    if prepared is None:
        return CandidateList(), False
    candidates = CandidateList()
    counted = await session.value("counted_messages", session.caller.team, COLLECTION)
    share = (
        await session.value("share_left", search_filter.row())
        if left > NARROW and not search_filter.is_empty
        else 1.0
    )
    only_words = prepared.phrases is None and search_filter.only_place_and_end
    for query in candidate_queries(prepared, left, counted):
        rows = await session.rows(
            "search_words", query.candidates, prepared.phrases, prepared.terms, prepared.weights,
            prepared.average_length, search_filter.row(), query.likely * share,
            only_words and query.likely > DENSE * counted, query.limit, MAX_LEXICAL,
        )  # fmt: skip
        if len(candidates.add(rows).scores) >= FEW:
            break
    return await _with_neighbours(
        session, candidates.best(MAX_LEXICAL), prepared, search_filter, only_words=only_words
    ), True


async def _with_neighbours(
    session: Session,
    candidates: CandidateList,
    prepared: PreparedQuery,
    search_filter: SearchFilter,
    *,
    only_words: bool,
) -> CandidateList:
    """A question and its answer share few words: a share of the score of a match counts for its neighbours.

    It need not match itself, unless the search asks for more than words: an author, a file, a phrase.
    """
    if not candidates.scores:
        return candidates
    keys = list(candidates.scores)[:EXPANDED]
    rows = await session.rows(
        "score_neighbours", [channel for channel, _ in keys], [ts for _, ts in keys], BESIDE, STEPS,
        prepared.terms, prepared.weights, prepared.average_length,
    )  # fmt: skip
    scores, threads = dict(candidates.scores), dict(candidates.threads)
    pairs: dict[tuple[MessageKey, MessageKey], int] = {}
    for row in rows:
        key, beside = (row["channel"], row["ts"]), (row["channel"], row["neighbour_ts"])
        if beside not in candidates.scores and (
            not only_words or (search_filter.to_ts is not None and beside[1] > search_filter.to_ts)
        ):
            continue
        scores.setdefault(beside, float(row["score"]))
        threads.setdefault(beside, row["thread_ts"])
        pairs[key, beside] = row["place"]
        pairs[beside, key] = -row["place"]
    total = dict(scores)
    for (key, beside), steps in pairs.items():
        # beside stands `steps` after key: key gets the share of a message before, or after
        first = BEFORE_ONE if steps > 0 else AFTER_ONE
        total[key] += scores[beside] * first / 2 ** (abs(steps) - 1)
    return CandidateList(total, threads, _shares(scores, prepared))


def _shares(scores: Mapping[MessageKey, float], prepared: PreparedQuery) -> dict[MessageKey, float]:
    attainable = max(sum(prepared.weights), 1e-9)
    return {key: score / attainable for key, score in scores.items()}


async def semantic_candidates(
    session: Session, text: str, search_filter: SearchFilter, embedder: Embedder, left: int
) -> CandidateList:
    """Cosine similarities of the best candidates. Raises Unavailable when the embedder is not reachable.
    left: of count_messages."""
    vector = (await embedder.embed([text], kind="query"))[0]
    if not vector.any():
        return CandidateList()
    return CandidateList().add(await _nearest(session, vector, embedder.model, search_filter, left))


async def _nearest(
    session: Session, vector: Any, model: str, search_filter: SearchFilter, left: int
) -> list[Row]:
    """Through the index where the search is broad; else, and for what is not public, every row is looked at."""
    broad = search_filter.thread_ts is None and left > NARROW
    if not broad or not await session.value("has_vector_index", model):
        return await session.rows("search_vectors_exactly", vector, model, search_filter.row(), None, NEAREST)
    most = NEAREST if search_filter.is_empty else NEAREST_LEFT
    public = await session.rows("search_vectors_indexed", vector, model, search_filter.row(), most)
    private = await session.rows("search_vectors_exactly", vector, model, search_filter.row(), False, most)
    if len(public) < most:  # the index gave up before it found enough
        public = await session.rows("search_vectors_exactly", vector, model, search_filter.row(), True, most)
    return sorted(
        [*public, *private], key=lambda row: (-row["score"], -row["ts"].timestamp(), row["channel"])
    )[:most]
