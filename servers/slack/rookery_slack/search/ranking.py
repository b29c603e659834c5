"""One ranking out of the legs, and one result a conversation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from rookery_core.errors import Unavailable
from rookery_core.ranking import fuse, semantic_weight
from rookery_slack.search.legs import Leg, Place, by_meaning, by_words, count_left

if TYPE_CHECKING:
    from rookery_core.embedders import Embedder
    from rookery_slack.search.narrowing import Narrowing
    from rookery_slack.store.session import Session

Mode = Literal["hybrid", "keyword", "semantic"]

WEAK_WEIGHT = 0.15
"""What a small static model counts here: the words already carry what stands beside a message. With 0.2 and more, both
together found less of half-remembered messages than words alone in one of two exports (docs/slack.md)."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """Messages best first with scores from 0 to 1, the thread of each, and what is to be said of how they were found."""

    places: list[tuple[Place, float]]
    threads: Mapping[Place, datetime | None]
    note: str | None = None


async def rank(
    session: Session, text: str, narrow: Narrowing, mode: Mode, embedder: Embedder | None
) -> Ranked:
    """Rank what is visible and left by the narrowing. Without an embedder, or when it fails, by words alone."""
    note = None
    left = await count_left(session, narrow)
    if not left:
        return Ranked([], {}, "there is no message to look through that you can see")
    words = Leg()
    any_word = True
    if mode != "semantic" or embedder is None:
        words, any_word = await by_words(session, text, narrow, left)
    meaning = Leg()
    if mode != "keyword" and embedder is None:
        note = "no embedder is configured: searched by words alone"
    elif mode != "keyword" and embedder is not None:
        try:
            meaning = await by_meaning(session, text, narrow, embedder, left)
        except Unavailable as error:
            note = f"searched by words alone: {error.message}"
            if mode == "semantic":
                words, any_word = await by_words(session, text, narrow, left)
    if not any_word and not meaning.scores:
        note = "the query holds nothing to look for"
    threads = {**words.threads, **meaning.threads}
    return Ranked(_fused(words.scores, meaning.scores, embedder), threads, note)


def _fused(
    words: Mapping[Place, float], meaning: Mapping[Place, float], embedder: Embedder | None
) -> list[tuple[Place, float]]:
    weak = embedder is not None and embedder.weak
    return fuse(words, meaning, WEAK_WEIGHT if weak else semantic_weight(embedder))


def by_conversation(
    ranked: list[tuple[Place, float]], threads: Mapping[Place, datetime | None]
) -> list[tuple[Place, float, int]]:
    """The best message of each thread (or lone message), its score, and how many of its thread matched."""
    best: dict[Place, tuple[Place, float]] = {}
    matches: dict[Place, int] = {}
    for place, score in ranked:
        channel, ts = place
        root = (channel, threads.get(place) or ts)
        best.setdefault(root, (place, score))
        matches[root] = matches.get(root, 0) + 1
    return [(place, score, matches[root]) for root, (place, score) in best.items()]
