"""A memory store over the test's database, with the local embedder, and people to use it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from rookery_core.embedders.local import LocalEmbedder
from rookery_core.identity import Caller
from rookery_memory.store import MemoryStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture(scope="session")
def embedder() -> LocalEmbedder:
    return LocalEmbedder()


@pytest_asyncio.fixture
async def store(open_database: Any, embedder: LocalEmbedder) -> AsyncIterator[MemoryStore]:
    made = MemoryStore(await open_database("rookery_memory"), embedder)
    yield made
    await made.close()


@pytest.fixture
def ada() -> Caller:
    return Caller(user="U_ADA", kind="member", channel="C1")
