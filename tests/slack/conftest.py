"""A Slack store to read, filled with what a test says."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from rookery_core.identity import Caller
from rookery_core.settings import CoreSettings
from rookery_slack.facts import (
    ChannelFact,
    ChannelKind,
    Membership,
    MembersListed,
    MessageVersion,
    Observations,
    Source,
    UserFact,
)
from rookery_slack.settings import SlackSettings
from rookery_slack.store.session import Store
from rookery_slack.store.writer import Writer
from rookery_slack.timestamps import parse_ts

if TYPE_CHECKING:
    from rookery_core.database import Database

INGEST = Caller(kind="agent")
Fill = Callable[[Observations], Awaitable[None]]


def at(ts: str) -> datetime:
    """The moment of a ts."""
    moment = parse_ts(ts)
    assert moment is not None
    return moment


def said(
    channel: str, ts: str, text: str, author: str = "U1", *, thread: str | None = None, **content: Any
) -> Observations:
    """A message."""
    moment = at(ts)
    version = MessageVersion(
        channel, moment, at(thread) if thread else None, author, None, text, content or None, moment, moment, Source.EVENT
    )
    return Observations(messages=[version])


def channel(
    channel_id: str, name: str, kind: ChannelKind = "public", members: tuple[str, ...] = (), **more: Any
) -> Observations:
    """A channel with these members."""
    moment = datetime(2024, 1, 1, tzinfo=UTC)
    return Observations(
        channels=[ChannelFact(channel_id, moment, name=name, kind=kind, **more)],
        member_lists=[MembersListed(channel_id, moment)],
        members=[Membership(channel_id, member, True, moment) for member in members],
    )


def person(user_id: str, name: str, **more: Any) -> Observations:
    """A person."""
    moment = datetime(2024, 1, 1, tzinfo=UTC)
    return Observations(users=[UserFact(user_id, moment, moment, name=name.lower(), real_name=name, **more)])


def together(*facts: Observations) -> Observations:
    """All of these."""
    every = Observations()
    for each in facts:
        every.add(each)
    return every


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


class OpenGate:
    """A database that is there already."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def database(self, patience_s: float = 4.0) -> Database:
        return self._database


@pytest_asyncio.fixture
async def store(
    open_database: Callable[..., Awaitable[Database]], slack_settings: SlackSettings
) -> AsyncIterator[Store]:
    """The store as the server has it, under its role."""
    database = await open_database("rookery_slack")
    yield Store(OpenGate(database), slack_settings)  # pyright: ignore[reportArgumentType] a gate that is open
