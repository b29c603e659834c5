"""A large store, made up: Zipf words, 200 channels, three years; and how long readers wait in it."""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any

from bench.slack_store import INGEST, READER, BenchStore
from rookery_core.identity import acting_as
from rookery_slack.server import tools

CHANNELS = 200
YEARS = 3
VOCABULARY = 40_000
START = datetime(2023, 1, 1, tzinfo=UTC)
COPY = 20_000
INDEX = """
insert into slack.message_index (team, channel, ts, author, public, has_file, has_link, words, length, digest)
select m.team, m.channel, m.ts, m.author, true, false, false, found.words, length(found.words), m.digest
from slack.messages as m cross join lateral (select search.document(m.text) as words) as found
where m.team = 'default'
"""


class MadeUp:
    """Words by Zipf's law, messages of 4 to 40 of them."""

    def __init__(self, seed: int = 1) -> None:
        self.dice = random.Random(seed)
        self._words = [f"{_syllables(n)}" for n in range(VOCABULARY)]
        self._weights = list(accumulate(1 / (n + 2.7) for n in range(VOCABULARY)))

    def text(self, least: int = 4, most: int = 40) -> str:
        """So many words."""
        words = self.dice.choices(
            self._words, cum_weights=self._weights, k=self.dice.randrange(least, most + 1)
        )
        return " ".join(words)


def _syllables(number: int) -> str:
    parts = [
        "ba",
        "do",
        "ki",
        "lu",
        "me",
        "no",
        "pa",
        "ri",
        "so",
        "tu",
        "va",
        "ze",
        "gra",
        "plo",
        "ster",
        "mi",
    ]
    word = parts[number % 16] + parts[number // 16 % 16] + parts[number // 256 % 16]
    return word + (parts[number // 4096] if number >= 4096 else "")


async def fill(bench: BenchStore, messages: int) -> float:
    """Write that many messages and index them; returns the seconds it took."""
    started = time.monotonic()
    made = MadeUp()
    spacing = timedelta(days=365 * YEARS) / messages
    async with bench.ingest.transaction(INGEST) as connection:
        await connection.execute(
            "insert into slack.channels (team, id, name, kind, kind_at) select 'default', 'C' || n, 'channel-' || n, "
            "'public', now() from generate_series(1, $1) as n",
            CHANNELS,
        )
        for first in range(0, messages, COPY):
            rows = [_row(made, number, spacing) for number in range(first, min(first + COPY, messages))]
            await connection.copy_records_to_table(
                "messages", schema_name="slack", records=rows,
                columns=["team", "channel", "ts", "author", "text", "edit_ts", "seen_ts", "source", "digest"],
            )  # fmt: skip
        await connection.execute(INDEX)
    return time.monotonic() - started


def _row(made: MadeUp, number: int, spacing: timedelta) -> tuple[Any, ...]:
    ts = START + spacing * number
    # Busy and quiet channels: the busiest has a hundred times the messages of the quietest.
    channel = f"C{1 + int(CHANNELS * made.dice.random() ** 3)}"
    return (
        "default",
        channel,
        ts,
        f"U{made.dice.randrange(500)}",
        made.text(),
        ts,
        ts,
        1,
        number.to_bytes(8, "big"),
    )


async def waits(bench: BenchStore, calls: int) -> dict[str, list[float]]:
    """Milliseconds of each call, by what was asked."""
    found = {each.name: each.fn for each in tools(bench.store, bench.server_settings)}
    made = MadeUp(2)
    asked: dict[str, Callable[[], tuple[str, dict[str, Any]]]] = {
        "keyword": lambda: ("search_messages", {"query": made.text(2, 5), "mode": "keyword"}),
        "keyword_one_channel": lambda: (
            "search_messages",
            {
                "query": made.text(2, 4),
                "mode": "keyword",
                "channels": [f"C{made.dice.randrange(1, CHANNELS)}"],
            },
        ),
        "keyword_one_day": lambda: (
            "search_messages",
            {"query": made.text(2, 4), "mode": "keyword", "after": (day := _day(made)), "before": day},
        ),
        "get_conversation": lambda: (
            "get_conversation",
            {"channel": f"C{made.dice.randrange(1, CHANNELS)}", "end": _day(made), "limit": 50},
        ),
    }
    return {name: await _timed(found, ask, calls) for name, ask in asked.items()}


def _day(made: MadeUp) -> str:
    return (START + timedelta(days=made.dice.randrange(10, 365 * YEARS))).date().isoformat()


async def _timed(
    found: dict[str, Callable[..., Awaitable[Any]]], ask: Callable[[], tuple[str, dict[str, Any]]], calls: int
) -> list[float]:
    times: list[float] = []
    with acting_as(READER):
        for _ in range(calls + 3):
            name, arguments = ask()
            started = time.perf_counter()
            await found[name](**arguments)
            times.append((time.perf_counter() - started) * 1000)
    return times[3:]
