"""Word statistics for ranking, of public messages only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rookery_core.ranking import refresh_statistics
from rookery_slack.store import COLLECTION, PUBLIC_WORDS, sync_state

if TYPE_CHECKING:
    from rookery_core.database import Database
    from rookery_core.identity import Caller


GROWTH = 0.05
"""A store that has grown by less keeps its statistics: how rare a word is changes as little, and counting takes as long
as the store is large, however small the import was."""


async def refresh_if_grown(database: Database, caller: Caller) -> bool:
    """Count the words anew where there are enough new messages since the last time; whether there were."""
    async with database.transaction(caller) as connection:
        counted, held = await sync_state.counted_and_held(connection, caller, COLLECTION)
    if counted is not None and abs(held - counted) < GROWTH * counted:
        return False
    await refresh(database, caller)
    return True


async def refresh(database: Database, caller: Caller) -> int:
    """Count the words of public messages anew; returns how many messages those are."""
    async with database.transaction(caller) as connection:
        await sync_state.refresh_planner(connection)
    async with database.transaction(caller) as connection:
        return await refresh_statistics(connection, caller.team, COLLECTION, PUBLIC_WORDS)
