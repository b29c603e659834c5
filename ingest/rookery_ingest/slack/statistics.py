"""Word statistics for ranking, of public messages only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rookery_core.ranking import refresh_statistics
from rookery_slack.store import COLLECTION, PUBLIC_WORDS, bookkeeping

if TYPE_CHECKING:
    from rookery_core.database import Database
    from rookery_core.identity import Caller


async def refresh(database: Database, caller: Caller) -> int:
    """Count the words of public messages anew; returns how many messages those are."""
    async with database.transaction(caller) as connection:
        await bookkeeping.refresh_planner(connection)
    async with database.transaction(caller) as connection:
        return await refresh_statistics(connection, caller.team, COLLECTION, PUBLIC_WORDS)
