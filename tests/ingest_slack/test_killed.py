"""Listeners, workers and importers as processes of their own, one of each killed in the middle: nothing is lost."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from emulators.slack import SlackEmulator
from rookery_core.queue import Queue
from rookery_ingest.slack.live import pending_events
from rookery_slackapi.timestamps import format_ts

if TYPE_CHECKING:
    from rookery_core.database import Database
    from rookery_core.settings import CoreSettings

Start = Callable[..., "subprocess.Popen[bytes]"]
SECONDS = 1_706_700_000
ARCHIVED = [f"CARCHIVE{number}" for number in range(3)]
DAYS, A_DAY = 40, 60


@pytest_asyncio.fixture
async def slack() -> AsyncIterator[SlackEmulator]:
    async with SlackEmulator() as emulator:
        yield emulator


@pytest.fixture
def start(settings: CoreSettings, slack: SlackEmulator, tmp_path: Path) -> Iterator[Start]:
    """Starts `rookery-ingest` with these arguments; what still runs in the end is killed."""
    assert settings.database_url is not None
    environment = {
        **os.environ,
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "ROOKERY_EMBEDDER": "none",
        "SLACK_APP_TOKEN": slack.state.app.app_token,
        "SLACK_BOT_TOKEN": slack.state.app.bot_token,
        "ROOKERY_SLACK_API_URL": slack.api_url,
    }
    with ExitStack() as stack, (tmp_path / "ingest.log").open("wb") as log:

        def begin(*arguments: str) -> subprocess.Popen[bytes]:
            command = [sys.executable, "-m", "rookery_ingest", *arguments]
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
            stack.callback(process.wait)
            stack.callback(process.kill)
            return process

        yield begin


def _archived(channel: str, day: int, at: int) -> dict[str, Any]:
    return {"type": "message", "ts": f"{SECONDS + day * 86_400 + at}.000100", "user": "U1",
            "text": f"{channel} on day {day} says {at}"}  # fmt: skip


def _export(slack: SlackEmulator, days: range) -> dict[str, Any]:
    """Some days of channels nobody writes to any more, and everything said in Slack so far."""
    files: dict[str, Any] = {
        "users.json": [user.wire() for user in slack.state.users.values()],
        "channels.json": [{"id": each, "name": each.lower(), "members": []} for each in ARCHIVED]
        + [{"id": each.id, "name": each.name} for each in slack.state.channels.values()],
    }
    for channel in ARCHIVED:
        for day in days:
            files[f"{channel.lower()}/2024-{1 + day // 28:02d}-{1 + day % 28:02d}.json"] = [
                _archived(channel, day, at) for at in range(A_DAY)
            ]
    for channel in slack.state.channels.values():
        said = [slack.wire(each) for each in slack.state.in_order(channel.id)]
        files[f"{channel.name}/2026-01-01.json"] = said
    return files


def _live_a_little(slack: SlackEmulator, people: list[str], channels: list[str]) -> None:
    ada, bob = people
    for number, channel in enumerate(channels):
        root = slack.people.say(ada, channel, f"Has deploy {number} failed?")
        reply = slack.people.say(bob, channel, "It has", thread_ts=root)
        slack.people.edit(channel, reply, "It has, twice")
        slack.people.react(ada, channel, reply, "eyes")
        slack.people.react(bob, channel, root, "tada")
        slack.people.unreact(bob, channel, root, "tada")
        gone = slack.people.say(ada, channel, "the password is hunter2")
        slack.people.delete(channel, gone)


async def _until(connection: Any, question: str) -> None:
    async with asyncio.timeout(60):
        while not await connection.fetchval(question):
            await asyncio.sleep(0)


def _kill(process: subprocess.Popen[bytes]) -> None:
    assert process.poll() is None, "it ended before it could be killed"
    process.send_signal(signal.SIGKILL)
    process.wait()


async def _ended_well(process: subprocess.Popen[bytes]) -> None:
    assert await asyncio.to_thread(process.wait, 120) == 0


@pytest.mark.slow
async def test_one_of_each_is_killed_and_nothing_is_lost(
    slack: SlackEmulator,
    start: Start,
    ingest: Database,
    write_export: Callable[..., Path],
    owner_connection: Any,
) -> None:
    people = [slack.state.add_user(name).id for name in ("ada", "bob")]
    channels = [slack.state.add_channel(name, people).id for name in ("general", "random", "ops")]
    _live_a_little(slack, people, channels)
    exports = [
        write_export(_export(slack, days), name=f"{days.start}.zip")
        for days in (range(DAYS * 2 // 3), range(DAYS // 3, DAYS))
    ]
    listeners, workers = (
        [start("slack", "listen") for _ in range(2)],
        [start("worker") for _ in range(2)],
    )
    await slack.state.wait_for(lambda: len(slack.sockets.sockets) == 2, 60)
    importers = [start("slack", "import", str(path), "--no-vectors") for path in exports]
    for _ in range(10):
        _live_a_little(slack, people, channels)
    _kill(listeners[0])  # with half of that on its way
    await slack.state.wait_for(lambda: len(slack.sockets.sockets) == 1)
    await _until(owner_connection, "select count(*) > 0 from slack.imported_days")
    _kill(importers[0])
    _live_a_little(slack, people, channels)
    await _until(owner_connection, "select count(*) > 0 from slack.raw_events")
    _kill(workers[0])
    _live_a_little(slack, people, channels)
    importers[0] = start("slack", "import", str(exports[0]), "--no-vectors")
    async with asyncio.timeout(60):
        await asyncio.gather(*(asyncio.shield(each.acked) for each in slack.sockets.delivered))
    for importer in importers:
        await _ended_well(importer)
    # What the dead worker held comes back when its lease ends; the test does not wait for a minute.
    await owner_connection.execute("update queue.event set lease_until = now() where state = 'leased'")
    queue = Queue(ingest)
    async with asyncio.timeout(90):
        while await pending_events(queue):
            await asyncio.sleep(0)
    await _all_is_there(slack, owner_connection)
    for process in (listeners[1], workers[1]):
        process.terminate()
        await _ended_well(process)


async def _all_is_there(slack: SlackEmulator, connection: Any) -> None:
    """Slack itself knows what there should be."""
    rows = await connection.fetch("select channel, ts, thread_ts, text, content from slack.messages")
    found = {(row["channel"], format_ts(row["ts"])): row for row in rows}
    texts = {place: row["text"] for place, row in found.items() if row["text"] is not None}
    expected = {(each.channel, each.ts): each.text for each in slack.state.everything()}
    expected |= {
        (channel, (line := _archived(channel, day, at))["ts"]): line["text"]
        for channel in ARCHIVED
        for day in range(DAYS)
        for at in range(A_DAY)
    }
    assert texts == expected
    assert "hunter2" not in json.dumps([*texts.values()])
    reactions = await connection.fetch(
        "select channel, ts, emoji, reactor from slack.reactions where present"
    )
    assert {(row["channel"], format_ts(row["ts"]), row["emoji"], row["reactor"]) for row in reactions} == {
        (each.channel, each.ts, emoji, reactor)
        for each in slack.state.everything()
        for emoji, reactors in each.reactions.items()
        for reactor in reactors
    }
    assert await connection.fetchval("select count(*) from slack.message_index") == len(texts)
    assert await connection.fetchval("select count(*) from slack.message_history") == len(
        [each for each in slack.state.everything() if each.edited_ts]
    )
    deadlocks = "select deadlocks from pg_stat_database where datname = current_database()"
    assert await connection.fetchval(deadlocks) == 0
