"""The schema `slack`: whose migrations are in this package, the role that serves it, what adapts it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from rookery_core import sql
from rookery_core.database.schema import Schema

if TYPE_CHECKING:
    from rookery_core.database import Capabilities, Connection


_SQL = sql.load("rookery_slack.store", "adapting.sql")


async def adapt(connection: Connection, offered: Capabilities) -> AsyncIterator[str]:
    """Hypertables with their columnstore where there is TimescaleDB; a vector index for each model in use."""
    if offered.timescaledb is not None:
        async for step in _hypertables(connection):
            yield step
    from rookery_core.embedders import ensure_stored_models_indexed

    made = await ensure_stored_models_indexed(
        connection, "slack.message_index", "embedding", "public", model_column="model"
    )
    for name in made:
        yield f"vector index {name}"


async def _hypertables(connection: Connection) -> AsyncIterator[str]:
    for table in ("messages", "raw_events"):
        if not await connection.fetchval(_SQL["is_hypertable"], table):
            await connection.execute(_SQL[f"make_{table}_hypertable"])
            yield f"slack.{table} is a hypertable of 7-day chunks"
        if not await connection.fetchval(_SQL["has_columnstore"], table):
            await connection.execute(_SQL[f"columnstore_{table}"])
            yield f"slack.{table} keeps old chunks as columns"
    await connection.execute(_SQL["join_messages"])
    if done := await connection.fetchval(_SQL["compact_chunks"]):
        yield f"{done} chunks older than 45 days are columns now"


SCHEMA = Schema(name="slack", package="rookery_slack", role="rookery_slack", adapt=adapt)
