"""Finding what was said in conversations, by a question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

from rookery_core.errors import NotFound
from rookery_core.identity import Caller
from rookery_core.ranking import fuse, semantic_weight
from rookery_memory.records import Filters, Memory, Turn
from rookery_memory.search.conversation_ranking import TurnSignals, rank_turns
from rookery_memory.search.index_text import without_names
from rookery_memory.store import search
from rookery_memory.store.context import SQL, StoreContext
from rookery_memory.store.rows import turn_from

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rookery_core.database import Connection, Row

    Floats = NDArray[np.float64]

RANKED_TURNS = 4000
TurnKey = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class FoundTurn:
    """A turn found, with its score of 0 to 1, the turns around it, and what was learned from it."""

    turn: Turn
    score: float
    before: list[Turn] = field(default_factory=list[Turn])
    after: list[Turn] = field(default_factory=list[Turn])
    facts: list[Memory] = field(default_factory=list[Memory])


@dataclass(frozen=True, slots=True)
class _Facts:
    """The score of the best fact of each turn, and which facts those are."""

    scores: dict[TurnKey, float]
    keys: dict[TurnKey, list[search.Key]]


@dataclass(frozen=True, slots=True)
class Gathered:
    """All that ranks the turns of a search: the turns, what is known of each, and the facts drawn from them."""

    keys: list[TurnKey]
    signals: TurnSignals
    term_weights: Floats
    semantic_weight: float
    facts: _Facts
    fact_scores: Floats


async def recall_conversation(
    context: StoreContext,
    caller: Caller,
    question: str,
    *,
    scopes: Sequence[str] | None = None,
    conversation: str | None = None,
    limit: int = 10,
    around: int = 0,
) -> list[FoundTurn]:
    """The turns that answer a question best, in the caller's conversations or in one of them, best first.

    around: how many turns before and after each come with it. Raises NotFound when the caller has no conversation
    of that name, with the latest ones that it has.
    """
    async with context.database.transaction(caller, readonly=True) as connection:
        asked = list(scopes) if scopes is not None else None
        gathered = await gather(connection, context, question, asked, conversation)
        if gathered is None:
            return []
        return await _with_surroundings(connection, _best(gathered, limit), gathered.facts, around)


async def gather(
    connection: Connection,
    context: StoreContext,
    question: str,
    asked: list[str] | None,
    conversation: str | None,
) -> Gathered | None:
    """What ranks the turns for a question; None when there are none to rank."""
    if conversation is not None:
        await require_conversation(connection, asked, conversation)
    names: list[str] = await connection.fetchval(SQL["speakers"], asked, conversation)
    vector = await context.query_vector(without_names(question, names, any_case=True))
    terms = await search.query_terms(connection, question)
    rows = await connection.fetch(
        SQL["turn_hits"],
        asked,
        conversation,
        terms.terms,
        terms.any,
        context.model,
        vector,
        RANKED_TURNS,
    )
    if not rows:
        return None
    facts = await _facts(connection, context, question, vector, asked, conversation)
    return _gathered(rows, terms, 0.0 if vector is None else semantic_weight(context.embedder), facts)


async def require_conversation(connection: Connection, asked: list[str] | None, conversation: str) -> None:
    """Raises NotFound, which names the newest ones, when these scopes hold no conversation of this name."""
    if not await connection.fetchval(SQL["conversation_exists"], asked, conversation):
        recent = [row[0] for row in await connection.fetch(SQL["recent_conversations"], asked)]
        raise NotFound(
            f"conversation: none named {conversation!r} in the scopes of this caller.",
            hint="Leave conversation out for all of them.",
            candidates=recent,
        )


async def _facts(
    connection: Connection,
    context: StoreContext,
    question: str,
    vector: NDArray[np.float32] | None,
    asked: list[str] | None,
    conversation: str | None,
) -> _Facts:
    """What was drawn from turns and answers the question: it says in one sentence what a turn said in passing."""
    filters = Filters(conversation=conversation, from_turns=True)
    hits = await search.find_hits(connection, context, question, vector, asked, filters)
    scored = dict(fuse(hits.words, hits.meaning, semantic_weight(context.embedder)))
    if not scored:
        return _Facts({}, {})
    ids: list[UUID] = list({key[0] for key in scored})
    scores: dict[TurnKey, float] = {}
    keys: dict[TurnKey, list[search.Key]] = {}
    for row in await connection.fetch(SQL["facts_of_turns"], asked, conversation, ids):
        fact, turn = (row["id"], row["version"]), (row["scope"], row["conversation"], row["position"])
        if fact in scored:
            scores[turn] = max(scores.get(turn, 0.0), scored[fact])
            keys.setdefault(turn, []).append(fact)
    return _Facts(scores, keys)


def _gathered(rows: Sequence[Row], terms: search.Terms, semantic: float, facts: _Facts) -> Gathered:
    import numpy as np

    keys: list[TurnKey] = [(row[0], row[1], row[2]) for row in rows]
    fact_scores = np.array([facts.scores.get(key, 0.0) for key in keys])
    signals = _signals(rows, keys, len(terms.terms))
    return Gathered(keys, signals, np.array(terms.weights), semantic, facts, fact_scores)


def _best(found: Gathered, limit: int) -> list[tuple[TurnKey, float]]:
    import numpy as np

    scores = rank_turns(found.signals, found.term_weights, found.semantic_weight, found.fact_scores)
    if not scores.any():
        return []
    order = np.argsort(-scores, kind="stable")[:limit]
    return [(found.keys[at], float(scores[at])) for at in order]


def _signals(rows: Sequence[Row], keys: Sequence[TurnKey], terms: int) -> TurnSignals:
    import numpy as np

    numbers: dict[tuple[str, str], int] = {}
    nothing = [0.0] * terms
    return TurnSignals(
        conversation=np.array([numbers.setdefault(key[:2], len(numbers)) for key in keys], dtype=np.int64),
        position=np.array([key[2] for key in keys], dtype=np.int64),
        session=np.array([row[3] for row in rows], dtype=np.int64),
        asks=np.array([row[4] for row in rows], dtype=np.bool_),
        lengths=np.array([row[5] for row in rows], dtype=np.float64),
        frequencies=np.array([row[6] or nothing for row in rows], dtype=np.float64).reshape(len(rows), terms),
        similarity=np.array([np.nan if row[7] is None else row[7] for row in rows], dtype=np.float64),
    )


async def _with_surroundings(
    connection: Connection, best: Sequence[tuple[TurnKey, float]], facts: _Facts, around: int
) -> list[FoundTurn]:
    wanted = {
        (scope, name, position + step)
        for (scope, name, position), _ in best
        for step in range(-around, around + 1)
    }
    keys = sorted(wanted)
    columns = [[key[at] for key in keys] for at in range(3)]
    rows = await connection.fetch(SQL["fetch_turns"], *columns)
    turns = {(turn.scope, turn.conversation, turn.position): turn for turn in map(turn_from, rows)}
    versions = await search.fetch_versions(
        connection, [fact for key, _ in best for fact in facts.keys.get(key, [])]
    )

    def near(key: TurnKey, steps: range) -> list[Turn]:
        found = (turns.get((key[0], key[1], key[2] + step)) for step in steps)
        return [turn for turn in found if turn is not None]

    return [
        FoundTurn(
            turn=turns[key],
            score=score,
            before=near(key, range(-around, 0)),
            after=near(key, range(1, around + 1)),
            facts=[versions[fact] for fact in facts.keys.get(key, []) if fact in versions],
        )
        for key, score in best
        if key in turns
    ]
