"""With TimescaleDB: old chunks are columns, and everything reads, edits and deletes in them as before."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from rookery_core.identity import Caller
from rookery_slack.observations import MessageDeleted, Observations
from rookery_slack.settings import SlackSettings
from rookery_slack.store import sync_state
from slack_calls import answer, by_name
from slack_facts import INGEST, at, channel, said, together

if TYPE_CHECKING:
    from rookery_core.database import Database
    from rookery_slack.store.session import Store

Fill = Callable[[Observations], Awaitable[None]]


@pytest.mark.timescale
async def test_old_chunks_are_columns_and_nothing_else_changes(
    ingest: Database, fill: Fill, store: Store, slack_settings: SlackSettings, owner_connection: Any
) -> None:
    times = [f"{1600000000 + 3600 * n + 475_000 * (n // 20)}.000100" for n in range(400)]
    lines = [said("C1", ts, f"walrus line {n}") for n, ts in enumerate(times)]
    replies = [said("C1", f"1600000100.{n:06}", f"reply {n}", thread=times[0]) for n in range(3)]
    replies.append(said("C1", times[-1].replace(".000100", ".000200"), "a late reply", thread=times[0]))
    await fill(together(channel("C1", "general"), *lines, *replies))
    found = by_name(store, slack_settings)
    calls = [
        ("get_conversation", {"channel": "C1", "limit": 100, "max_tokens": 20000}),
        ("get_conversation", {"channel": "C1", "limit": 30, "start": "2020-09-13", "max_tokens": 20000}),
        ("get_thread", {"thread": times[0], "channel": "C1"}),
        ("get_user_activity", {"user": "U1"}),
        ("search_messages", {"query": "walrus 7"}),
    ]
    before = [await answer(found[name], Caller(), **arguments) for name, arguments in calls]
    async with ingest.transaction(INGEST) as connection:
        compacted = await sync_state.compact_chunks(connection)
        assert await sync_state.compact_chunks(connection) == 0
    compressed = "select count(*) from timescaledb_information.chunks where is_compressed and hypertable_schema = 'slack'"
    # weeks were joined to quarters
    assert 1 < await owner_connection.fetchval(compressed) < compacted / 2
    assert "late reply" in before[2]
    assert [await answer(found[name], Caller(), **arguments) for name, arguments in calls] == before
    later = at("1700000000.000000")
    await fill(
        Observations(
            messages=[replace(lines[5].messages[0], text="an edited seal", edit_ts=later, seen_ts=later)]
        )
    )
    await fill(Observations(deletions=[MessageDeleted("C1", lines[6].messages[0].ts, None, later)]))
    hits = json.loads(await answer(found["search_messages"], Caller(), query="seal"))
    assert "edited seal" in hits["results"][0]["text"]
    day = await answer(
        found["get_conversation"],
        Caller(),
        channel="C1",
        start="2020-09-13",
        end="2020-09-14",
        max_tokens=20000,
    )
    assert "walrus line 6" not in day and "walrus line 7" in day
