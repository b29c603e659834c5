"""One ranking from the candidate lists, and one result per conversation.

The weight is measured with `make bench-slack`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from rookery_core.errors import Unavailable
from rookery_core.ranking import fuse, semantic_weight
from rookery_core.ranking.fit import NOTHING_FITS, ONLY_NEAR, best_fit, is_unfit, scaled
from rookery_slack.search.candidate_lists import (
    CandidateList,
    MessageKey,
    count_messages,
    lexical_candidates,
    newest_messages,
    semantic_candidates,
)

if TYPE_CHECKING:
    from rookery_core.embedders import Embedder
    from rookery_slack.search.filters import SearchFilter
    from rookery_slack.store.session import Session

Mode = Literal["hybrid", "keyword", "semantic"]

WEAK_WEIGHT = 0.15
"""What a small static model counts here: the lexical scores already include a share of neighbours. With 0.2 and more, both
together found less of half-remembered messages than words alone in one of two exports (docs/slack.md)."""

FEW_MESSAGES = 100
"""Among fewer messages no word is rare: what holds any word of the query is an answer."""
FLOOR = 0.5
"""The least fit of an answer to a hybrid search without filters; measured with `make bench-answers`. A search for words
alone, or in a part of the messages, answers with what there is."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """Messages best first, each with a score from 0 to 1 (None: by time), the thread of each, and a note on the search."""

    messages: list[tuple[MessageKey, float | None]]
    threads: Mapping[MessageKey, datetime | None]
    note: str | None = None


async def rank(
    session: Session, text: str, search_filter: SearchFilter, mode: Mode, embedder: Embedder | None
) -> Ranking:
    """Rank the visible messages that fit the filter; the newest first without a text.

    Without an embedder, or when it fails, lexically.
    """
    count = await count_messages(session, search_filter)
    if not count:
        return Ranking([], {}, await _explain_empty(session, search_filter))
    if not text:
        newest = await newest_messages(session, search_filter)
        return Ranking([(key, None) for key in newest.threads], newest.threads)
    return await _rank_by_text(session, text, search_filter, mode, embedder, count)


async def _explain_empty(session: Session, search_filter: SearchFilter) -> str:
    if not await session.value("sees_a_channel"):
        return "there is no message to look through: no channel is visible to you"
    if search_filter.is_empty:
        return "there is no message to look through: none is stored yet"
    return "there is no message to look through: none matches the filters"


async def _rank_by_text(
    session: Session,
    text: str,
    search_filter: SearchFilter,
    mode: Mode,
    embedder: Embedder | None,
    count: int,
) -> Ranking:
    note = None
    lexical, any_word = CandidateList(), True
    if mode != "semantic" or embedder is None:
        lexical, any_word = await lexical_candidates(session, text, search_filter, count)
    semantic = CandidateList()
    if mode != "keyword" and embedder is None:
        note = "no embedder is configured: lexical search only"
    elif mode != "keyword" and embedder is not None:
        try:
            semantic = await semantic_candidates(session, text, search_filter, embedder, count)
        except Unavailable as error:
            note = f"lexical search only: {error.message}"
            if mode == "semantic":
                lexical, any_word = await lexical_candidates(session, text, search_filter, count)
    if not any_word and not semantic.scores:
        note = "the query holds nothing to look for"
    threads = {**lexical.threads, **semantic.threads}
    weak = embedder is not None and embedder.weak
    weight = WEAK_WEIGHT if weak else semantic_weight(embedder)
    fused = fuse(lexical.scores, semantic.scores, weight)
    best = best_fit((key for key, _ in fused), lexical.shares, semantic.scores)
    small = bool(lexical.scores) and count < FEW_MESSAGES
    broad = mode == "hybrid" and search_filter.is_empty and not small
    if fused and broad and is_unfit(best, FLOOR, embedder):
        fused = []
    if not fused and any_word:
        note = f"{note}; {NOTHING_FITS}" if note else NOTHING_FITS
    elif not lexical.scores:
        note = note or ONLY_NEAR
    return Ranking([*scaled(fused, best)], threads, note)


def by_conversation(
    ranked: Sequence[tuple[MessageKey, float | None]], threads: Mapping[MessageKey, datetime | None]
) -> list[tuple[MessageKey, float | None, int]]:
    """The best message of each thread (or lone message), its score, and how many of its thread matched."""
    best: dict[MessageKey, tuple[MessageKey, float | None]] = {}
    matches: dict[MessageKey, int] = {}
    for key, score in ranked:
        channel, ts = key
        root = (channel, threads.get(key) or ts)
        best.setdefault(root, (key, score))
        matches[root] = matches.get(root, 0) + 1
    return [(key, score, matches[root]) for root, (key, score) in best.items()]
