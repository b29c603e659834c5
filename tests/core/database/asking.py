"""One statement, over a connection of its own."""

from __future__ import annotations

from typing import Any

import asyncpg


async def ask(dsn: str, statement: str) -> Any:
    """The first value of the first row."""
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()
