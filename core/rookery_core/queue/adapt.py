"""What the queue gains where the server has TimescaleDB: its history in chunks of a day."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from rookery_core import sql
from rookery_core.queue.base import PACKAGE

if TYPE_CHECKING:
    from rookery_core.database import Capabilities, Connection


async def adapt(connection: Connection, capabilities: Capabilities) -> AsyncIterator[str]:
    """Make the history a hypertable; yields a line when it does. Repeating it changes nothing."""
    if capabilities.timescaledb is None:
        return
    statements = sql.load(PACKAGE, "adapt.sql")
    if not await connection.fetchval(statements["history_is_hypertable"]):
        await connection.execute(statements["make_history_hypertable"])
        yield "queue.history is a hypertable with chunks of a day"
