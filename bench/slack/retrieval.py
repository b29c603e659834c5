"""How well messages are found: by words, by meaning, by both, and by what PostgreSQL has without any of it."""

from __future__ import annotations

import random
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.slack.judgments import Held, Judged, MessageKey
from bench.slack.store import INGEST, READER, BenchStore
from rookery_core.embedders import create_embedder
from rookery_slack.search.filters import SearchFilter
from rookery_slack.search.ranking import Mode, rank
from rookery_slackapi.timestamps import format_ts

if TYPE_CHECKING:
    from rookery_core.embedders import Embedder

TOP = 10
PEER = "ts_rank_cd, any word"
PEER_QUERY = """
with asked as (
    select replace(plainto_tsquery('english', $1)::text, '&', '|')::tsquery as query
)
select m.channel, m.ts from slack.messages as m, asked
where m.team = 'default' and to_tsvector('english', m.text) @@ asked.query
order by ts_rank_cd(to_tsvector('english', m.text), asked.query) desc, m.ts desc limit 40
"""


@dataclass(frozen=True, slots=True)
class Quality:
    """Shares of queries with an answer in the top ten, and at which place the first one stood."""

    hits: float
    mrr: float
    queries: int


async def held(bench: BenchStore) -> Held:
    """Every message, channel and thread of the store."""
    async with bench.ingest.transaction(INGEST) as connection:
        rows = await connection.fetch(
            "select channel, ts, thread_ts, text from slack.messages where team = $1 and text is not null", INGEST.team
        )  # fmt: skip
        channels = await connection.fetch("select name, id from slack.channels where team = $1", INGEST.team)
    texts: dict[MessageKey, str] = {}
    roots: dict[MessageKey, MessageKey] = {}
    for row in rows:
        place = (row["channel"], format_ts(row["ts"]))
        texts[place] = row["text"]
        if row["thread_ts"] is not None:
            roots[place] = (row["channel"], format_ts(row["thread_ts"]))
    return Held(texts, {row["name"]: row["id"] for row in channels}, roots)


async def quality(bench: BenchStore, judged: list[Judged], mode: Mode) -> Quality:
    """Of the product's own ranking."""
    embedder = create_embedder(bench.settings)
    ranks = [_first_hit(each, await _ranked(bench, each, mode, embedder)) for each in judged]
    return _summary(ranks)


async def _ranked(
    bench: BenchStore, judged: Judged, mode: Mode, embedder: Embedder | None
) -> list[MessageKey]:
    async with bench.store.session(READER) as session:
        found = await rank(session, judged.query, SearchFilter(), mode, embedder)
    return [(channel, format_ts(ts)) for (channel, ts), _ in found.messages]


async def peer_quality(bench: BenchStore, judged: list[Judged]) -> Quality:
    """Of plain PostgreSQL: ts_rank_cd over any word of the query."""
    ranks: list[int | None] = []
    async with bench.ingest.transaction(INGEST) as connection:
        for each in judged:
            rows = await connection.fetch(PEER_QUERY, each.query)
            ranks.append(_first_hit(each, [(row["channel"], format_ts(row["ts"])) for row in rows]))
    return _summary(ranks)


def _first_hit(judged: Judged, ranked: list[MessageKey]) -> int | None:
    """The place (from 1) of the first relevant message among the first ten that are not excluded."""
    shown = [place for place in ranked if place not in judged.exclude][:TOP]
    return next((place for place, found in enumerate(shown, 1) if found in judged.relevant), None)


def _summary(ranks: list[int | None]) -> Quality:
    if not ranks:
        return Quality(0, 0, 0)
    hits = statistics.mean(rank is not None for rank in ranks)
    return Quality(hits, statistics.mean(1 / rank if rank else 0 for rank in ranks), len(ranks))


def half_remembered(texts: dict[MessageKey, str], count: int, seed: int = 1) -> list[Judged]:
    """Queries as one who half remembers a message types them: some of its words, in another order, one misspelt.

    It favours neither words nor meaning by how it is made: what is left of the words may or may not be enough.
    """
    dice = random.Random(seed)
    long_enough = sorted(place for place, text in texts.items() if 12 <= len(text.split()) <= 80)
    judged: list[Judged] = []
    for place in dice.sample(long_enough, min(count, len(long_enough))):
        words = [word for word in texts[place].split() if not word.startswith("<")]
        kept = dice.sample(words, max(4, len(words) * 2 // 5)) if len(words) > 4 else words
        at = dice.randrange(len(kept))
        kept[at] = _misspelt(kept[at], dice)
        judged.append(Judged(" ".join(kept), frozenset(), frozenset({place})))
    return judged


def _misspelt(word: str, dice: random.Random) -> str:
    if len(word) < 4:
        return word
    at = dice.randrange(1, len(word) - 2)
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
