"""Facts drawn from conversations: an emulated model, the memory server as a process, the queue, and people who talk."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from pydantic import SecretStr

from emulators.models import ModelEmulator, note_taker
from rookery.agent import Agent, open_agent
from rookery.extraction.composition import SUBSCRIPTION, extraction_handlers
from rookery.mcp.memory_client import AUDIENCE
from rookery.settings import AgentSettings
from rookery_core.embedders.local import LocalEmbedder
from rookery_core.identity import Caller
from rookery_core.queue import Attempt, Event, PermanentFailure, Queue
from rookery_memory.records import Filters, Memory, NewTurn
from rookery_memory.store import MemoryStore

if TYPE_CHECKING:
    from rookery_core.database import Database
    from rookery_core.queue.worker import Handler
    from rookery_core.settings import CoreSettings

CONTEXT_KEY = "a key that tests share, long enough to be one"


@dataclass
class House:
    """All that takes part. `brain` of the emulated model may be changed at any time."""

    models: ModelEmulator
    agent: Agent
    queue: Queue
    store: MemoryStore
    handlers: dict[str, Handler]

    async def say(self, caller: Caller, conversation: str, *texts: str, **more: Any) -> None:
        turns = [NewTurn(speaker="Maria", content=text, **more) for text in texts]
        await self.store.add_turns(caller, conversation, turns)

    async def next_event(self) -> tuple[Event, Attempt]:
        (event,) = await self.queue.claim([SUBSCRIPTION], 1, worker="test")
        return event, Attempt(self.queue, event)

    async def work(self) -> None:
        """Handle the next event, as a worker does."""
        event, attempt = await self.next_event()
        try:
            await self.handlers[SUBSCRIPTION](event, attempt)
        except PermanentFailure as failure:
            await self.queue.fail(event, failure.reason, permanent=True)
            raise

    async def facts(self, caller: Caller, **filters: Any) -> list[Memory]:
        found = await self.store.list_memories(caller, filters=Filters(**filters), limit=100)
        return sorted(found, key=lambda one: one.content)


@pytest.fixture
def ada() -> Caller:
    return Caller(user="U_ADA", kind="member", channel="C1")


@pytest.fixture(scope="session")
def embedder() -> LocalEmbedder:
    return LocalEmbedder()


@pytest_asyncio.fixture
async def models() -> AsyncIterator[ModelEmulator]:
    async with ModelEmulator(brain=note_taker) as emulator:
        yield emulator


@pytest.fixture
def agent_settings(
    settings: CoreSettings, models: ModelEmulator, monkeypatch: pytest.MonkeyPatch
) -> AgentSettings:
    """With a model and a price for it; the memory server finds the same database in its environment."""
    assert settings.database_url is not None
    monkeypatch.setenv("DATABASE_URL", settings.database_url.get_secret_value())
    return AgentSettings(
        database_url=settings.database_url,
        data_dir=settings.data_dir,
        context_key=SecretStr(CONTEXT_KEY),
        model="anthropic:claude-haiku-4-5",
        anthropic_api_key=SecretStr("emulated"),
        anthropic_base_url=models.url,
        model_retries=0,
    )


@pytest_asyncio.fixture
async def store(open_database: Any, embedder: LocalEmbedder) -> AsyncIterator[MemoryStore]:
    made = MemoryStore(await open_database("rookery_memory"), embedder, announces=True)
    yield made
    await made.close()


@pytest_asyncio.fixture
async def queue(open_database: Any) -> Queue:
    database: Database = await open_database("rookery_agent")
    return Queue(database)


@pytest_asyncio.fixture
async def house(
    agent_settings: AgentSettings, models: ModelEmulator, store: MemoryStore, queue: Queue
) -> AsyncIterator[House]:
    async with open_agent(agent_settings, audiences={AUDIENCE}) as agent:
        handlers = await extraction_handlers(agent, queue)
        yield House(models, agent, queue, store, handlers)
