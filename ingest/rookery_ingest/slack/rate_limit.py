"""Slack's published rate limits, which all copies of the program share through the database."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from rookery_slack.store import sync_state

if TYPE_CHECKING:
    from rookery_core.database import Database
    from rookery_core.identity import Caller
    from rookery_slackapi.web import Sleep

CALLS_PER_MINUTE = {
    "conversations.history": 50,
    "conversations.replies": 50,
    "conversations.list": 20,
    "conversations.members": 100,
    "conversations.info": 50,
    "users.conversations": 20,
    "users.list": 20,
    "usergroups.list": 20,
}
BURST_SHARE = 0.9
"""How much of a limit is used, so that other programs of the same app have some."""


class SharedRateLimit:
    """Spaces the calls of a method evenly over all copies of the program."""

    def __init__(self, database: Database, caller: Caller, *, sleep: Sleep = asyncio.sleep) -> None:
        self._database = database
        self._caller = caller
        self._sleep = sleep

    async def wait_for_turn(self, method: str) -> None:
        """Reserve the next call of the method, and return when its time has come."""
        spacing_s = 60 / (CALLS_PER_MINUTE.get(method, 50) * BURST_SHARE)
        async with self._database.transaction(self._caller) as connection:
            wait_s = await sync_state.take_turn(connection, self._caller, method, spacing_s)
        if wait_s > 0:
            await self._sleep(wait_s)

    async def back_off(self, method: str, wait_s: float) -> None:
        """Have every copy wait before the method's next call."""
        async with self._database.transaction(self._caller) as connection:
            await sync_state.back_off(connection, self._caller, method, wait_s)
