"""Permanent erasure: by retention, by person, by channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rookery_core import sql
from rookery_slack.store import sync_state

if TYPE_CHECKING:
    from rookery_core.database import Connection
    from rookery_core.identity import Caller

_SQL = sql.load("rookery_slack.store", "erasing.sql")


async def erase_user(connection: Connection, caller: Caller, user: str) -> int:
    """Forget what a person wrote, and their names; nothing of theirs is stored again. Returns how many messages."""
    await connection.execute(_SQL["remember_erased_user"], caller.team, user)
    gone = await connection.fetchval(_SQL["forget_messages"], caller.team, user, None, None)
    await connection.execute(_SQL["forget_reactions_of"], caller.team, user)
    await connection.execute(_SQL["forget_raw_of"], caller.team, user)
    await connection.execute(_SQL["forget_user"], caller.team, user)
    return gone


async def erase_channel(connection: Connection, caller: Caller, channel: str) -> int:
    """Forget a channel; nothing said in it is stored again. Returns how many messages."""
    await connection.execute(_SQL["remember_erased_channel"], caller.team, channel)
    gone = await connection.fetchval(_SQL["forget_messages"], caller.team, None, channel, None)
    await connection.execute(_SQL["forget_channel"], caller.team, channel)
    await sync_state.forget_days(connection, caller, channel)
    return gone


async def apply_retention(connection: Connection, caller: Caller) -> int:
    """Forget what is older than its channel's limit. Returns how many messages."""
    gone = 0
    for row in await connection.fetch(_SQL["expired"], caller.team):
        gone += await connection.fetchval(
            _SQL["forget_messages"], caller.team, None, row["id"], row["oldest"]
        )
        await connection.execute(_SQL["clip_coverage"], caller.team, row["id"], row["oldest"])
    return gone
