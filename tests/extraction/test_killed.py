"""Facts are drawn by processes that are killed again and again: each fact is remembered once, none is missing."""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
from typing import TYPE_CHECKING, Any

import pytest

from emulators.models import ModelEmulator, Reply, Request, judged, turns_of
from extraction.conftest import CONTEXT_KEY
from rookery.extraction.composition import SUBSCRIPTION
from rookery.extraction.turns import TOPIC
from rookery_core.identity import Caller
from rookery_core.queue import Queue
from rookery_memory.records import NewTurn
from rookery_memory.store import MemoryStore

if TYPE_CHECKING:
    import asyncpg

    from rookery.settings import AgentSettings

CONVERSATIONS = 12
TURNS = 8
KILLS = 4


class Forgetful:
    """A model that words everything differently each time it is asked, and wakes whoever waits to kill its reader."""

    def __init__(self) -> None:
        self.asked = 0
        self.replied = asyncio.Event()

    def __call__(self, request: Request) -> Reply:
        self.asked += 1
        self.replied.set()
        if judged(request):
            return Reply(text="[]")
        facts = [
            {"fact": f"{text} (wording {self.asked})", "turns": [number]}
            for _, number, text in turns_of(request)
        ]
        return Reply(text=json.dumps(facts))


async def _start(settings: AgentSettings) -> asyncio.subprocess.Process:
    assert settings.database_url is not None
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "rookery", "extract",
        env={
            **os.environ,
            "DATABASE_URL": settings.database_url.get_secret_value(),
            "ROOKERY_DATA_DIR": str(settings.data_dir),
            "ROOKERY_CONTEXT_KEY": CONTEXT_KEY,
            "ROOKERY_MODEL": "anthropic:claude-haiku-4-5",
            "ANTHROPIC_API_KEY": "emulated",
            "ANTHROPIC_BASE_URL": str(settings.anthropic_base_url),
        },
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip


@pytest.mark.slow
async def test_each_fact_is_remembered_once_whenever_the_worker_dies(
    agent_settings: AgentSettings,
    models: ModelEmulator,
    store: MemoryStore,
    queue: Queue,
    owner_connection: asyncpg.Connection[Any],
) -> None:
    chance = random.Random(4)
    models.brain = brain = Forgetful()
    await queue.subscribe(TOPIC, SUBSCRIPTION)
    people = [Caller(user=f"U{number % 3}", kind="member") for number in range(CONVERSATIONS)]
    for number, person in enumerate(people):
        turns = [
            NewTurn(speaker="Maria", content=f"conversation {number}, remark {at}") for at in range(TURNS)
        ]
        await store.add_turns(person, f"c{number}", turns)
    for _ in range(KILLS):
        process = await _start(agent_settings)
        brain.replied.clear()
        await asyncio.wait_for(brain.replied.wait(), 60)
        await asyncio.sleep(chance.uniform(0, 0.25))  # somewhere between the reply and the last fact
        process.kill()
        await process.wait()
        await owner_connection.execute("update queue.event set lease_until = now() where state = 'leased'")
    process = await _start(agent_settings)
    try:
        async with asyncio.timeout(90):
            while await queue.list(limit=1):
                await asyncio.sleep(0.1)
    finally:
        process.terminate()
        await process.wait()
    assert await queue.list("dead") == []
    remembered = [
        memory.content.partition(" (wording")[0]
        for person in {person.user: person for person in people}.values()
        for memory in await store.list_memories(person, limit=200)
    ]
    assert sorted(remembered) == sorted(
        f"conversation {number}, remark {at}" for number in range(CONVERSATIONS) for at in range(TURNS)
    )
    assert await owner_connection.fetchval("select count(*) from queue.effect") == 0
