"""Tokens that are accepted once: the database knows which were used, for all processes and containers."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from rookery_core import sql

if TYPE_CHECKING:
    from rookery_core.database.connection import Connection

_SQL = sql.load("rookery_core.database", "used_tokens.sql")


async def use_token(connection: Connection, purpose: str, token: str, expires_at: datetime) -> bool:
    """Mark a token as used for the team of this transaction; False when it was used before.

    The mark counts once the transaction commits: commit before the effect that the token allows.
    """
    return bool(await connection.fetchval(_SQL["use_token"], purpose, token, expires_at))
