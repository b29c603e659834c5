"""A large store, made up: Zipf words, 200 channels from busy to quiet, the last three years."""

from __future__ import annotations

import asyncio
import random
import time
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any

from bench.slack.store import INGEST, BenchStore
from rookery_core.database import adapt
from rookery_core.embedders import create_embedder
from rookery_ingest.slack.embedding import embed_backlog
from rookery_ingest.slack.statistics import refresh

CHANNELS = 200
DAYS = 3 * 365
VOCABULARY = 40_000
END = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
START = END - timedelta(days=DAYS)
COPY = 20_000
INDEXERS = 2
INDEX = """
insert into slack.message_index (team, channel, ts, author, public, has_file, has_link, words)
select m.team, m.channel, m.ts, m.author, true, false, false, search.document(m.text)
from slack.messages as m
where m.team = 'default' and abs(hashtext(m.channel)) % $1::integer = $2::integer
"""
_SYLLABLES: tuple[str, ...] = (
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
)


class MadeUp:
    """Words by Zipf's law, messages of 4 to 40 of them."""

    def __init__(self, seed: int = 1) -> None:
        self.dice = random.Random(seed)
        self._words = [_word(number) for number in range(VOCABULARY)]
        self._weights = list(accumulate(1 / (number + 2.7) for number in range(VOCABULARY)))

    def text(self, least: int = 4, most: int = 40) -> str:
        """So many words."""
        count = self.dice.randrange(least, most + 1)
        return " ".join(self.dice.choices(self._words, cum_weights=self._weights, k=count))

    def day(self, before_end: int = 0) -> str:
        """A day on which something was said, at least so many days before the end."""
        return (START + timedelta(days=self.dice.randrange(10, DAYS - before_end))).date().isoformat()

    def channel(self) -> str:
        """Busy ones more often: the busiest has a hundred times the messages of the quietest."""
        return f"C{1 + int(CHANNELS * self.dice.random() ** 3)}"


def _word(number: int) -> str:
    length = 4 if number >= 4096 else 3
    return "".join(_SYLLABLES[number // int(16**place) % 16] for place in range(length))


async def stored(bench: BenchStore) -> int:
    """How many messages there are already."""
    async with bench.ingest.transaction(INGEST) as connection:
        return await connection.fetchval("select count(*) from slack.messages where team = $1", INGEST.team)


async def fill(bench: BenchStore, messages: int) -> dict[str, float]:
    """Write that many messages, index their words, count them: the seconds each took."""
    took: dict[str, float] = {}
    started = time.monotonic()
    await _write(bench, messages)
    took["written"] = time.monotonic() - started
    await asyncio.gather(*(_index(bench, part) for part in range(INDEXERS)))
    took["indexed"] = time.monotonic() - started
    await refresh(bench.ingest, INGEST)
    took["by words"] = time.monotonic() - started
    return took


async def add_vectors(bench: BenchStore) -> dict[str, float]:
    """Make every vector, then their index: the seconds each took."""
    started = time.monotonic()
    embedder = create_embedder(bench.settings)
    assert embedder is not None
    async for _ in embed_backlog(bench.ingest, INGEST, embedder):
        pass
    took = {"vectors": time.monotonic() - started}
    async for _ in adapt(bench.owner_dsn):
        pass
    took["vectors indexed"] = time.monotonic() - started
    return took


async def _write(bench: BenchStore, messages: int) -> None:
    made, spacing = MadeUp(), timedelta(days=DAYS) / messages
    columns = ["team", "channel", "ts", "author", "text", "source"]
    async with bench.ingest.transaction(INGEST) as connection:
        await connection.execute(
            "insert into slack.channels (team, id, name, kind, kind_at) "
            "select 'default', 'C' || n, 'channel-' || n, 'public', now() from generate_series(1, $1) as n",
            CHANNELS,
        )
    for first in range(0, messages, COPY):
        rows = [_row(made, number, spacing) for number in range(first, min(first + COPY, messages))]
        async with bench.ingest.transaction(INGEST) as connection:
            await connection.copy_records_to_table(
                "messages", schema_name="slack", records=rows, columns=columns
            )


def _row(made: MadeUp, number: int, spacing: timedelta) -> tuple[Any, ...]:
    ts, author = START + spacing * number, f"U{made.dice.randrange(500)}"
    return ("default", made.channel(), ts, author, made.text(), 1)


async def _index(bench: BenchStore, part: int) -> None:
    async with bench.ingest.transaction(INGEST) as connection:
        await connection.execute(INDEX, INDEXERS, part)
