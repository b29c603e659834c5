"""A Slack store to read, filled with what a test says."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from rookery_core.settings import CoreSettings
from rookery_slack.observations import Observations
from rookery_slack.settings import SlackSettings
from rookery_slack.store.session import Store
from rookery_slack.store.writer import Writer
from slack_facts import INGEST, OpenGate

if TYPE_CHECKING:
    from rookery_core.database import Database

Fill = Callable[[Observations], Awaitable[None]]


@pytest_asyncio.fixture
async def ingest(open_database: Callable[..., Awaitable[Database]]) -> Database:
    """The database as ingest has it."""
    return await open_database("rookery_ingest")


@pytest.fixture
def fill(ingest: Database) -> Fill:
    """Merges facts into the store."""

    async def merge(facts: Observations) -> None:
        async with ingest.transaction(INGEST) as connection:
            await Writer(INGEST).merge(connection, facts)

    return merge


@pytest.fixture
def slack_settings(settings: CoreSettings) -> SlackSettings:
    """The server's settings for the test's database."""
    return SlackSettings(database_url=settings.database_url, data_dir=settings.data_dir, embedder="none")


@pytest_asyncio.fixture
async def store(open_database: Callable[..., Awaitable[Database]], slack_settings: SlackSettings) -> Store:
    """The store as the server has it, under its role."""
    gate: Any = OpenGate(await open_database("rookery_slack"))
    return Store(gate, slack_settings)
