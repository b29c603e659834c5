"""Several importers and several workers at once, on overlapping data: one final state, and nobody waits in a circle."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from rookery_core.identity import Caller
from rookery_ingest.slack.applying import Applier
from rookery_ingest.slack.export import importer
from rookery_ingest.slack.export.choosing import Options
from rookery_ingest.slack.export.importer import import_export
from slack_tables import digest_of_tables

if TYPE_CHECKING:
    from rookery_core.database import Database

SECONDS = 1_706_700_000
CHANNELS = ["C1", "C2", "C3", "C4"]


def _message(channel: str, number: int) -> dict[str, Any]:
    return {"type": "message", "channel": channel, "ts": f"{SECONDS + number}.000100", "user": f"U{number % 3}",
            "text": f"{channel} says {number}"}  # fmt: skip


def _export(days: int, kept: random.Random) -> dict[str, Any]:
    """An export that holds most of the messages, some of them edited, with reactions."""
    files: dict[str, Any] = {
        "channels.json": [{"id": each, "name": each.lower(), "members": ["U0", "U1"]} for each in CHANNELS]
    }
    for channel in CHANNELS:
        for day in range(days):
            lines = [_message(channel, day * 40 + n) for n in range(40) if kept.random() < 0.8]
            for line in lines[::7]:
                line["reactions"] = [{"name": "eyes", "users": ["U1"], "count": 1}]
            files[f"{channel.lower()}/2024-02-{day + 1:02d}.json"] = lines
    return files


def _events(days: int) -> list[dict[str, Any]]:
    """The same messages as they were said, and what was done to them since; one channel gets another id."""
    events: list[dict[str, Any]] = []
    for number in range(days * 40):
        for channel in CHANNELS:
            said = _message(channel, number)
            events.append(said)
            later = f"{SECONDS + 90_000 + number}.000200"
            if number % 5 == 0:
                edited = {**said, "text": "edited", "edited": {"user": "U1", "ts": later}}
                events.append({"type": "message", "subtype": "message_changed", "channel": channel, "ts": later,
                               "event_ts": later, "message": edited, "previous_message": said})  # fmt: skip
            if number % 11 == 0:
                events.append({"type": "message", "subtype": "message_deleted", "channel": channel, "ts": later,
                               "event_ts": later, "deleted_ts": said["ts"]})  # fmt: skip
    events.append({"type": "channel_id_changed", "old_channel_id": "C3", "new_channel_id": "C1",
                   "event_ts": f"{SECONDS + 95_000}.000100"})  # fmt: skip
    return [
        {"type": "event_callback", "event_id": f"Ev{n}", "event": event} for n, event in enumerate(events)
    ]


async def _apply(database: Database, team: str, events: list[dict[str, Any]], seed: int) -> None:
    mixed = list(events)
    random.Random(seed).shuffle(mixed)
    applier = Applier(database, Caller(team=team, kind="agent"))
    for start in range(0, len(mixed), 60):
        applied = await applier.apply(mixed[start : start + 60])
        assert applied.failed == 0


@pytest.mark.slow
async def test_importers_and_workers_at_once(
    open_database: Callable[..., Awaitable[Database]],
    write_export: Callable[..., Path],
    owner_connection: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importer, "BATCH", 50)
    databases = [await open_database("rookery_ingest", max_connections=3) for _ in range(4)]
    paths = [write_export(_export(6, random.Random(seed)), name=f"export-{seed}.zip") for seed in range(4)]
    events = _events(6)
    for path in paths:
        await import_export(databases[0], Caller(team="in turn", kind="agent"), path, Options())
    await _apply(databases[0], "in turn", events, 0)
    async with asyncio.TaskGroup() as group:
        for number, (database, path) in enumerate(zip(databases, paths, strict=True)):
            group.create_task(
                import_export(database, Caller(team="at once", kind="agent"), path, Options(workers=2))
            )
            group.create_task(_apply(database, "at once", events, number))
    expected = await digest_of_tables(owner_connection, "in turn")
    found = await digest_of_tables(owner_connection, "at once")
    assert len(expected["messages"]) > 700 and expected["message_history"]
    assert not any('"channel": "C3"' in row for row in expected["messages"])
    for table, rows in expected.items():
        assert found[table] == rows, table
    deadlocks = await owner_connection.fetchval(
        "select deadlocks from pg_stat_database where datname = current_database()"
    )
    assert deadlocks == 0
