"""How often each lexeme occurs in a collection, for weighting queries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rookery_core import sql

if TYPE_CHECKING:
    from rookery_core.database.connection import Connection


async def refresh_statistics(conn: Connection, team: str, collection: str, vectors: str) -> int:
    """Count a collection again, in one transaction, and return how many documents it has.

    `vectors` is SQL of the program, never of a user, that selects one tsvector column, with `$1` for the team. Let it
    select public documents only: then what is private changes no score that a stranger sees. Takes about a second
    for 100,000 short documents.
    """
    statement = sql.load("rookery_core.ranking", "ranking.sql")["refresh_statistics"]
    async with conn.transaction():
        return await conn.fetchval(statement, team, collection, vectors)
