"""Adaptation to a server: create the extensions it offers, then what each schema builds on them.

Every step can be repeated, and resumed after an interruption.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence

from rookery_core import __version__, sql
from rookery_core.database import capabilities
from rookery_core.database.connection import Connection
from rookery_core.database.connections import connected
from rookery_core.database.schema import Schema, installed_schemas
from rookery_core.errors import RookeryError, Unavailable
from rookery_core.telemetry import get_logger

OPTIONAL_EXTENSIONS = ("timescaledb", "vectorscale", "pg_textsearch")
_PATIENCE_S = 600.0
_POLL_S = 0.2


async def adapt(
    dsn: str, *, schemas: Sequence[Schema] | None = None, patience_s: float = _PATIENCE_S
) -> AsyncGenerator[str]:
    """Adapt the database as its owner; yields a line for each step.

    patience_s: how long to wait for another process that adapts it; raises Unavailable after that.
    """
    async for line in _create_extensions(dsn):
        yield line
    async with connected(dsn, "rookery db adapt") as connection:
        await _lock(connection, patience_s)
        statements = sql.load("rookery_core.database", "migrations.sql")
        await connection.execute("set role rookery_owner")
        offered = await capabilities.detect(connection)
        for schema in schemas if schemas is not None else installed_schemas():
            if schema.adapt is not None:
                async for line in schema.adapt(connection, offered):
                    yield f"{schema.name}: {line}"
            await connection.execute(statements["adapted"], schema.name, __version__, offered.as_dict())


async def is_due(connection: Connection) -> bool:
    """Whether an installed schema has been migrated since it was last adapted."""
    statement = sql.load("rookery_core.database", "migrations.sql")["adaptation_is_due"]
    return await connection.fetchval(statement, [schema.name for schema in installed_schemas()])


async def adapt_quietly(dsn: str) -> None:
    """Adapt unless another process does. A failure is only logged: the tables work without adaptation."""
    import asyncpg

    try:
        async for _ in adapt(dsn, patience_s=0):
            pass
    except Unavailable:
        return
    except (RookeryError, asyncpg.PostgresError) as error:
        get_logger(__name__).warning(
            "the database could not be adapted; `rookery db adapt` tries again: %s", error
        )


async def _create_extensions(dsn: str) -> AsyncGenerator[str]:
    import asyncpg

    # In a separate session: an extension must not be used in the session that creates it.
    async with connected(dsn, "rookery db adapt") as connection:
        for row in await connection.fetch(
            "select name from pg_available_extensions where name = any ($1) and installed_version is null",
            list(OPTIONAL_EXTENSIONS),
        ):
            name = row["name"]
            try:
                await connection.execute(f"create extension if not exists {name} cascade")
            except asyncpg.PostgresError as error:
                yield f"extension {name}: not created, its features are not available ({error})"
            else:
                yield f"extension {name}: created"


async def _lock(connection: Connection, patience_s: float) -> None:
    statement = sql.load("rookery_core.database", "migrations.sql")["lock_adapting"]
    deadline = asyncio.get_running_loop().time() + patience_s
    # Polled, not waited for: a waiting statement would hold up indexes that are built concurrently.
    while not await connection.fetchval(statement):
        if asyncio.get_running_loop().time() > deadline:
            raise Unavailable("Another process is adapting the database.", retry_after_s=30.0)
        await asyncio.sleep(_POLL_S)
