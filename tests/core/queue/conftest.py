"""A queue on a database of its own, with a clock that only the test moves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from rookery_core.queue import Queue

if TYPE_CHECKING:
    from rookery_core.database import Database


@dataclass
class Clock:
    """Stands still until told to move on."""

    time: datetime = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def advance(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest_asyncio.fixture
async def database(open_database: Callable[..., Awaitable[Database]]) -> Database:
    return await open_database("rookery_agent")


@pytest.fixture
def queue(database: Database, clock: Clock) -> Queue:
    """A queue whose time is the test's."""
    return Queue(database, clock=clock)


@pytest.fixture
def live_queue(database: Database) -> Queue:
    """A queue on the database's own clock, for workers."""
    return Queue(database)
