"""The schema `queue`: roles, extensions and the event queue. Every other schema depends on it."""

from __future__ import annotations

from collections.abc import AsyncIterator

from rookery_core import sql
from rookery_core.database.capabilities import Capabilities
from rookery_core.database.connection import Connection
from rookery_core.database.schema import Schema

_PACKAGE = "rookery_core.queue"


async def adapt(connection: Connection, capabilities: Capabilities) -> AsyncIterator[str]:
    """Make the history a TimescaleDB hypertable; yields a line when it does. Repeating it changes nothing."""
    if capabilities.timescaledb is None:
        return
    statements = sql.load(_PACKAGE, "sql/schema.sql")
    if not await connection.fetchval(statements["history_is_hypertable"]):
        await connection.execute(statements["make_history_hypertable"])
        yield "queue.history is a hypertable with chunks of a day"


SCHEMA = Schema(name="queue", package="rookery_core", depends_on=(), adapt=adapt)
