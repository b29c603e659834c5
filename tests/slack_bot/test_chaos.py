"""500 mentions in 50 threads while bots die or stop for a while, Slack limits, the model's API is overloaded and breaks
off, and the database crashes.

Every question must be answered exactly once, in order within its thread; what the emulator shows is the proof.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from pydantic import SecretStr

from emulators.models import ModelEmulator
from emulators.models.brains import Fault, Reply, Request
from emulators.slack import SlackEmulator
from emulators.slack.sample import Cast
from rookery.slack.settings import BotSettings
from rookery_core.database.embedded import EmbeddedServer
from slack_bot.bot_process import BotProcess, Nursery, open_nursery, wait_for_socket
from slack_bot.reading import is_final, mark_of, said

THREADS = int(os.environ.get("ROOKERY_CHAOS_THREADS", "50"))
MENTIONS = int(os.environ.get("ROOKERY_CHAOS_MENTIONS", "10"))
SEED = int(os.environ.get("ROOKERY_CHAOS_SEED", "8"))
MODEL_FAULTS = float(os.environ.get("ROOKERY_CHAOS_MODEL_FAULTS", "0.1"))
BOTS = 3
KILLS = 6
PAUSES = (1, 4)
"""After which of the kills one of the living is paused for longer than its lease."""
LEASE_S = 2.0


class Flock:
    """Three bots; one that is killed is replaced at once."""

    def __init__(self, slack: SlackEmulator, nursery: Nursery, settings: BotSettings) -> None:
        self._slack = slack
        self._nursery = nursery
        self._settings = settings
        self._bots: list[BotProcess] = []

    async def start(self) -> None:
        for _ in range(BOTS):
            await self._join()
        await wait_for_socket(self._slack, BOTS)

    async def kill_one(self, chance: random.Random) -> None:
        victim = self._bots.pop(chance.randrange(len(self._bots)))
        await victim.kill()
        await self._join()

    async def pause_one(self, chance: random.Random, seconds: float) -> None:
        """It wakes up when others have taken over what it was doing, and goes on."""
        bot = chance.choice(self._bots)
        bot.pause()
        await asyncio.sleep(seconds)
        bot.resume()

    async def _join(self) -> None:
        self._bots.append(await self._nursery.bot(self._settings))


class Moody:
    """A provider that answers, except that a share of its replies are overloads, limits and broken streams."""

    def __init__(self, chance: random.Random, share: float) -> None:
        self._chance = chance
        self._share = share
        self.faults: Counter[str] = Counter()

    def __call__(self, request: Request) -> Reply:
        question = " ".join(request.last.rsplit("## The question", 1)[-1].split())
        text = f"Answer to ({question}). " + "More of it follows here. " * 8
        if self._chance.random() >= self._share:
            return Reply(text=text)
        fault: Fault = self._chance.choice(
            ("overloaded", "rate_limited", "server_error", "cut", "error_in_stream")
        )
        self.faults[fault] += 1
        return Reply(text=text, fault=fault, retry_after="0.1" if fault == "rate_limited" else None)


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
async def moody() -> Moody:
    return Moody(random.Random(8), MODEL_FAULTS)


@pytest.fixture
async def flock(
    slack: SlackEmulator, moody: Moody, chaos_folder: Path, tmp_path: Path
) -> AsyncIterator[Flock]:
    servers = tmp_path / "mcp.json"
    servers.write_text('{"mcpServers": {}}')
    app = slack.state.app
    async with ModelEmulator(moody) as models, open_nursery() as nursery:
        values: dict[str, Any] = {
            "data_dir": chaos_folder,
            "slack_bot_token": SecretStr(app.bot_token),
            "slack_app_token": SecretStr(app.app_token),
            "slack_api_url": slack.api_url,
            "mcp_config": servers,
            "model": "anthropic:emulated",
            "anthropic_api_key": SecretStr("emulated"),
            "anthropic_base_url": models.url,
            "model_retries": 1,
            "lease_s": LEASE_S,
            "retry_base_s": 0.1,
            "max_attempts": 20,
            "user_limit": 0,
            "channel_limit": 0,
            "workers": 8,
            "traces": "off",
        }
        yield Flock(slack, nursery, BotSettings(**values))


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_chaos(
    slack: SlackEmulator, cast: Cast, flock: Flock, moody: Moody, server: EmbeddedServer
) -> None:
    chance = random.Random(SEED)
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
    except TimeoutError:
        pytest.fail(await _unanswered(slack, server, questions))
    finally:
        seconds = asyncio.get_running_loop().time() - started
        print(f"{seconds:.1f} s", _figures(slack, questions), dict(moody.faults))
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
        await asyncio.sleep(chance.uniform(0.5, 1.5))
        await flock.kill_one(chance)
        if number in PAUSES:
            await flock.pause_one(chance, LEASE_S * 1.3)
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


async def _unanswered(
    slack: SlackEmulator, server: EmbeddedServer, questions: dict[tuple[str, str], list[str]]
) -> str:
    """What is known of the first answer that is missing or not whole."""
    for (channel, root), asked in questions.items():
        whole = {mark_of(message)["question"] for message in said(slack, channel, root) if is_final(message)}
        for ts in asked:
            if (key := f"{channel}:{ts}") not in whole:
                return f"{key} in thread {root} has no whole answer:\n" + "\n".join(
                    [
                        *(f"{m.ts} {mark_of(m)} {m.versions}" for m in said(slack, channel, root)),
                        *await _rows(server, channel, root, ts),
                    ]
                )
    return f"all are answered, and {len(slack.sockets.waiting)} events still wait for a socket"


async def _rows(server: EmbeddedServer, channel: str, root: str, ts: str) -> list[str]:
    connection: asyncpg.Connection[Any] = await asyncpg.connect(server.owner_dsn)
    try:
        found = [
            *await connection.fetch("select * from agent.slack_question where ts = $1", ts),
            *await connection.fetch("select * from queue.effect where owner = $1", f"slack:{channel}:{ts}"),
            *await connection.fetch("select * from queue.event where ordering_key = $1", f"{channel}:{root}"),
            *await connection.fetch("select * from queue.dead_letter"),
        ]
    finally:
        await connection.close()
    return [str(dict(row)) for row in found]


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
