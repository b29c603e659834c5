"""500 mentions in 50 threads while bots die, Slack limits, the model fails and the database crashes.

Every question must be answered exactly once, in order within its thread; what the emulator shows is the proof.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from pydantic import SecretStr

from emulators.slack import SlackEmulator
from emulators.slack.sample import Cast
from rookery.slack.settings import SlackSettings
from rookery_core.database.embedded import EmbeddedServer
from slack_bot.bot_process import BotProcess, wait_for_socket
from slack_bot.reading import is_final, mark_of, said

THREADS = int(os.environ.get("ROOKERY_CHAOS_THREADS", "50"))
MENTIONS = int(os.environ.get("ROOKERY_CHAOS_MENTIONS", "10"))
BOTS = 3
KILLS = 6


class Flock:
    """Three bots; one that is killed is replaced by one that stands ready."""

    def __init__(self, slack: SlackEmulator, settings: SlackSettings) -> None:
        self._slack = slack
        self._settings = settings
        self.bots: list[BotProcess] = []
        self._ready: list[BotProcess] = []

    async def start(self) -> None:
        self._ready = [await BotProcess.prepare() for _ in range(BOTS)]
        for _ in range(BOTS):
            await self._join()
        await wait_for_socket(self._slack, BOTS)

    async def kill_one(self, chance: random.Random) -> None:
        victim = self.bots.pop(chance.randrange(len(self.bots)))
        await victim.kill()
        await self._join()

    async def _join(self) -> None:
        bot = self._ready.pop(0)
        await bot.begin(self._settings, words=8, pieces=3, failures=0.06)
        self.bots.append(bot)
        self._ready.append(await BotProcess.prepare())

    async def close(self) -> None:
        for bot in [*self.bots, *self._ready]:
            await bot.kill()


@pytest.fixture
def chaos_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(os.environ.get("ROOKERY_CHAOS_DATA") or tmp_path_factory.mktemp("chaos"))


@pytest.fixture
async def server(chaos_folder: Path) -> AsyncIterator[EmbeddedServer]:
    """A database server that no other test uses, so that it may crash."""
    lease = await asyncio.to_thread(EmbeddedServer.start, chaos_folder, idle_s=30.0)
    yield lease
    lease.close()
    await asyncio.to_thread(EmbeddedServer.stop, chaos_folder)


@pytest.fixture
async def flock(slack: SlackEmulator, chaos_folder: Path, tmp_path: Path) -> AsyncIterator[Flock]:
    servers = tmp_path / "mcp.json"
    servers.write_text('{"mcpServers": {}}')
    app = slack.state.app
    values: dict[str, Any] = {
        "data_dir": chaos_folder,
        "bot_token": SecretStr(app.bot_token),
        "app_token": SecretStr(app.app_token),
        "slack_api_url": slack.api_url,
        "mcp_config": servers,
        "lease_s": 2.0,
        "retry_base_s": 0.1,
        "max_attempts": 20,
        "user_limit": 0,
        "channel_limit": 0,
        "workers": 8,
        "traces": "off",
    }
    bots = Flock(slack, SlackSettings(**values))
    yield bots
    await bots.close()


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_chaos(slack: SlackEmulator, cast: Cast, flock: Flock, server: EmbeddedServer) -> None:
    chance = random.Random(8)
    slack.sockets.most_retries = 30
    slack.sockets.ack_timeout_s = 3.0
    for method, nth in (("chat.startStream", 40), ("chat.stopStream", 30), ("chat.postMessage", 20)):
        slack.faults.rate_limit_every(method, nth)
    await flock.start()
    started = asyncio.get_running_loop().time()
    questions = _roots(slack, cast)
    havoc = asyncio.create_task(_havoc(slack, flock, server, chance))
    await _ask(slack, cast, questions, chance)
    await havoc
    try:
        await slack.state.wait_for(lambda: _all_answered(slack, questions), timeout=150)
    finally:
        print(f"{asyncio.get_running_loop().time() - started:.1f} s", _figures(slack, questions))
    for channel, root in questions:
        _check_thread(slack, channel, root, questions[channel, root])
    assert not [envelope for envelope in slack.sockets.delivered if envelope.lost]


def _roots(slack: SlackEmulator, cast: Cast) -> dict[tuple[str, str], list[str]]:
    channels = [cast.general.id, cast.database.id, cast.private.id]
    return {
        (channel, slack.people.say(cast.grace.id, channel, f"thread {number}")): []
        for number in range(THREADS)
        for channel in [channels[number % len(channels)]]
    }


async def _ask(
    slack: SlackEmulator, cast: Cast, questions: dict[tuple[str, str], list[str]], chance: random.Random
) -> None:
    for number in range(MENTIONS):
        for (channel, root), asked in questions.items():
            before = len(slack.sockets.delivered)
            ts = slack.people.mention(cast.ada.id, channel, f"question {number} of {root}", thread_ts=root)
            asked.append(ts)
            for envelope in slack.sockets.delivered[before:]:
                if chance.random() < 0.1:
                    slack.sockets.duplicate(envelope)
            await asyncio.sleep(0.005)


async def _havoc(slack: SlackEmulator, flock: Flock, server: EmbeddedServer, chance: random.Random) -> None:
    for number in range(KILLS):
        await asyncio.sleep(chance.uniform(1.0, 2.0))
        await flock.kill_one(chance)
        if number == KILLS // 2:
            await _crash_the_database(server)
        if number == KILLS - 1:
            slack.sockets.refresh()


async def _crash_the_database(server: EmbeddedServer) -> None:
    """kill -9 of one backend: PostgreSQL throws everybody out and recovers from its log."""
    connection: asyncpg.Connection[Any] = await asyncpg.connect(server.owner_dsn)
    pid = await connection.fetchval(
        "select pid from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid() limit 1"
    )
    os.kill(pid, 9)
    connection.terminate()


def _all_answered(slack: SlackEmulator, questions: dict[tuple[str, str], list[str]]) -> bool:
    final = sum(1 for message in slack.state.everything() if is_final(message))
    if final < THREADS * MENTIONS or slack.sockets.unacked or slack.sockets.waiting:
        return False
    return all(
        sum(1 for message in said(slack, channel, root) if is_final(message)) >= len(asked) == MENTIONS
        for (channel, root), asked in questions.items()
    )


def _check_thread(slack: SlackEmulator, channel: str, root: str, asked: list[str]) -> None:
    messages = said(slack, channel, root)
    assert [mark_of(message)["question"] for message in messages] == [f"{channel}:{ts}" for ts in asked]
    for number, message in enumerate(messages):
        assert is_final(message)
        shown = next(line for line in slack.screen.replies(channel, root) if line.ts == message.ts)
        assert f"Answer to (question {number} of {root})" in shown.text


def _figures(slack: SlackEmulator, questions: dict[tuple[str, str], list[str]]) -> dict[str, int]:
    limited = sum(1 for call in slack.journal.calls if call.answer.get("error") == "ratelimited")
    return {
        "asked": sum(map(len, questions.values())),
        "messages of the bot": sum(len(said(slack, *place)) for place in questions),
        "final": sum(is_final(m) for place in questions for m in said(slack, *place)),
        "deliveries": sum(envelope.deliveries for envelope in slack.sockets.delivered),
        "429s": limited,
        "connections": slack.sockets.connections,
    }
