"""How long readers wait in a large store, and whether a narrow search finds what looking at every row would find."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from bench.slack.scale import CHANNELS, MadeUp
from bench.slack.store import READER, BenchStore
from rookery_core.dates import parse_datetime
from rookery_core.embedders import create_embedder
from rookery_core.identity import acting_as
from rookery_slack.search.filters import SearchFilter
from rookery_slack.search.ranking import Mode, rank
from rookery_slack.server import tools
from rookery_slackapi.timestamps import format_ts

TOP = 10
OLD_DAYS = 60
QUIET = [f"C{number}" for number in range(CHANNELS - 20, CHANNELS + 1)]
Call = tuple[str, dict[str, Any]]

EXACT_WORDS = """
select i.channel, i.ts, search.bm25(i.words, p.terms, p.weights, p.average_length) as score
from search.prepare('default', 'slack', $1) as p, slack.message_index as i
where i.team = 'default' and i.words @@ p.any_term
  and ($2::text is null or i.channel = $2) and ($3::timestamptz is null or i.ts between $3 and $4)
order by score desc, i.ts desc, i.channel limit 10
"""
EXACT_VECTORS = """
select channel, ts, (1 - (embedding <=> $1::halfvec))::real as score from slack.message_index
where team = 'default' and embedding is not null
  and ($2::text is null or channel = $2) and ($3::timestamptz is null or ts between $3 and $4)
order by embedding <=> $1::halfvec, ts desc, channel limit 10
"""


def _questions(made: MadeUp) -> dict[str, Callable[[], Call]]:
    def search(**more: Any) -> Call:
        return "search_messages", {"query": made.text(2, 5), **more}

    def one_day(mode: str) -> Call:
        day = made.day()
        return search(after=day, before=day, mode=mode)

    def read(before_end: int = 0, **more: Any) -> Call:
        return "get_conversation", {
            "channel": made.channel(),
            "end": made.day(before_end),
            "limit": 50,
            **more,
        }

    return {
        "search.keyword": lambda: search(mode="keyword"),
        "search.semantic": lambda: search(mode="semantic"),
        "search.hybrid": search,
        "search.hybrid.quiet_channel": lambda: search(channels=[made.dice.choice(QUIET)]),
        "search.hybrid.busy_channel": lambda: search(channels=["C1"]),
        "search.hybrid.one_day": lambda: one_day("hybrid"),
        "get_conversation": read,
        "get_conversation.newest": lambda: ("get_conversation", {"channel": made.channel()}),
        "get_conversation.old": lambda: read(OLD_DAYS),
    }


async def waits(bench: BenchStore, calls: int, only: str = "") -> dict[str, list[float]]:
    """Milliseconds of each call, by what was asked, of questions whose name begins with `only`."""
    found = {each.name: each.fn for each in tools(bench.store, bench.server_settings)}
    times: dict[str, list[float]] = {}
    for name, ask in _questions(MadeUp(2)).items():
        if not name.startswith(only):
            continue
        taken: list[float] = []
        with acting_as(READER):
            for _ in range(calls + 5):
                tool, arguments = ask()
                started = time.perf_counter()
                await found[tool](**arguments)
                taken.append((time.perf_counter() - started) * 1000)
        times[name] = taken[5:]
    return times


async def narrow_recall(bench: BenchStore, searches: int) -> dict[str, float]:
    """The share of what looking at every row finds (the ten best, by score) that narrow searches find, too."""
    made, embedder = MadeUp(4), create_embedder(bench.settings)
    assert embedder is not None
    shares: dict[str, list[float]] = {}
    owner = await asyncpg.connect(bench.owner_dsn)
    try:
        await owner.execute("set enable_indexscan = off; set max_parallel_workers_per_gather = 0")
        for number in range(searches):
            text, channel, day = made.text(2, 5), None, None
            if number % 2:
                channel = made.dice.choice(QUIET)
            else:
                day = parse_datetime(made.day(), now=datetime.now(UTC), field="day")
            end = None if day is None else day + timedelta(days=1) - timedelta(microseconds=1)
            narrow = SearchFilter(channels=[channel] if channel else None, from_ts=day, to_ts=end)
            vector = str((await embedder.embed([text], kind="query"))[0].tolist())
            legs: list[tuple[Mode, str, str]] = [
                ("keyword", EXACT_WORDS, text), ("semantic", EXACT_VECTORS, vector),
            ]  # fmt: skip
            for mode, statement, subject in legs:
                exact = await owner.fetch(statement, subject, channel, day, end)
                async with bench.store.session(READER) as session:
                    ranked = await rank(session, text, narrow, mode, embedder)
                found = {(place[0], format_ts(place[1])) for place, _ in ranked.messages}
                wanted = [(row["channel"], format_ts(row["ts"])) for row in exact]
                name = f"{mode}.{'quiet_channel' if channel else 'one_day'}"
                if wanted:
                    shares.setdefault(name, []).append(sum(each in found for each in wanted) / len(wanted))
    finally:
        await owner.close()
    return {name: sum(each) / len(each) for name, each in shares.items()}
