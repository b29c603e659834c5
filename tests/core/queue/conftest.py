"""A queue on a database of its own, with a clock that only the test moves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
import pytest_asyncio

from queue_clock import Clock
from rookery_core.queue import Queue
from rookery_core.queue.worker.maintenance import Maintenance

if TYPE_CHECKING:
    from rookery_core.database import Database


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


@pytest.fixture
def maintain(queue: Queue) -> Callable[[], Awaitable[None]]:
    """Run one pass of the maintenance that workers do."""

    async def once() -> None:
        async with queue.connection() as line:
            await Maintenance(queue, None).run_once(line)

    return once


@pytest.fixture
def until_one_waits(owner_connection: asyncpg.Connection[Any]) -> Callable[[], Awaitable[None]]:
    """Returns when some statement in this database waits for another's lock."""
    query = (
        "select exists (select from pg_stat_activity"
        " where datname = current_database() and wait_event_type = 'Lock')"
    )

    async def wait() -> None:
        while not await owner_connection.fetchval(query):
            pass

    return wait
