"""A separate connection, outside of any pool: for migrations, LISTEN and commands."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from rookery_core.database import codecs
from rookery_core.database.failures import explained

if TYPE_CHECKING:
    import asyncpg

CONNECT_TIMEOUT_S = 15.0


async def connect(dsn: str, application_name: str = "rookery") -> asyncpg.Connection[Any]:
    """A connection with our codecs, as the login of `dsn`. Raises Unavailable or ConfigurationError."""
    import asyncpg

    with explained(connecting=True):
        connection = await asyncpg.connect(
            dsn, timeout=CONNECT_TIMEOUT_S, server_settings={"application_name": application_name}
        )
    try:
        await codecs.register(connection)
    except BaseException:
        connection.terminate()
        raise
    return connection


@asynccontextmanager
async def connected(dsn: str, application_name: str = "rookery") -> AsyncGenerator[asyncpg.Connection[Any]]:
    """The same for the length of a block; failures of the connection in it are explained too."""
    connection = await connect(dsn, application_name)
    try:
        with explained():
            yield connection
    finally:
        await connection.close(timeout=5)
