"""Readers' way into the store: one read-only transaction for one caller, with this server's settings in it."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rookery_core import sql
from rookery_core.database.used_tokens import use_token
from rookery_core.identity import Caller, current_caller

if TYPE_CHECKING:
    from rookery_core.database import Connection, LazyDatabase, Row
    from rookery_slack.settings import SlackSettings

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
STATEMENTS = sql.load("rookery_slack.store", "reading.sql")


class Session:
    """Runs statements of reading.sql for the caller of this transaction."""

    def __init__(self, connection: Connection, caller: Caller) -> None:
        self.connection = connection
        self.caller = caller

    async def rows(self, statement: str, *arguments: Any) -> list[Row]:
        """All rows of a named statement."""
        return await self.connection.fetch(STATEMENTS[statement], *map(_storable, arguments))

    async def value(self, statement: str, *arguments: Any) -> Any:
        """The one value of a named statement."""
        return await self.connection.fetchval(STATEMENTS[statement], *map(_storable, arguments))


def _storable(argument: Any) -> Any:
    """A text with a space for what PostgreSQL can hold in none: NUL, and half of a surrogate pair."""
    return _UNSTORABLE.sub(" ", argument) if isinstance(argument, str) else argument


class Store:
    """Opens sessions."""

    def __init__(self, gate: LazyDatabase, settings: SlackSettings) -> None:
        self._gate = gate
        self._dms = "participants" if settings.slack_dms else "off"
        self._channels = ",".join(name.removeprefix("#") for name in settings.slack_channels)

    async def use_token(self, purpose: str, token: str, expires_at: datetime) -> bool:
        """Mark a token as used in every process; False when it was used before. Raises DatabaseStarting, Unavailable."""
        database = await self._gate.database()
        async with database.transaction(current_caller()) as connection:
            return await use_token(connection, purpose, token, expires_at)

    @asynccontextmanager
    async def session(self, caller: Caller | None = None) -> AsyncGenerator[Session]:
        """A session for `caller`, by default the current caller. Raises DatabaseStarting, Unavailable."""
        caller = caller or current_caller()
        database = await self._gate.database()
        async with database.transaction(caller, readonly=True) as connection:
            await connection.execute(STATEMENTS["configure"], self._dms, self._channels)
            yield Session(connection, caller)
