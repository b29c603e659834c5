"""Admins, ignored people, and the audit of commands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from rookery_core import sql

if TYPE_CHECKING:
    from rookery_core.database import Database

ControlList = Literal["admin", "ignored"]
_SQL = sql.load("rookery.slack.people", "control.sql")
_LIST = {"admin": "list_admins", "ignored": "list_ignored"}


@dataclass(frozen=True, slots=True)
class ControlEntry:
    """A person in one of the names: since when, by whom."""

    user: str
    added_by: str
    added_at: datetime


@dataclass(frozen=True, slots=True)
class AuditLine:
    """A command that was given. outcome: `ok` or the code of its error."""

    at: datetime
    actor: str
    command: str
    allowed: bool
    outcome: str


class Control:
    """Admins (configured ones and added ones), ignored people, and the audit."""

    def __init__(self, database: Database, team: str, configured_admins: Sequence[str]) -> None:
        self._database = database
        self._team = team
        self._configured = frozenset(configured_admins)

    async def is_admin(self, user: str) -> bool:
        if user in self._configured:
            return True
        async with self._database.acquire() as connection:
            return bool(await connection.fetchval(_SQL["is_admin"], self._team, user))

    async def is_ignored(self, user: str) -> bool:
        async with self._database.acquire() as connection:
            return bool(await connection.fetchval(_SQL["is_ignored"], self._team, user))

    async def add_user(self, name: ControlList, user: str, by: str) -> bool:
        """Add a person to a list; False when the person was in it."""
        async with self._database.acquire() as connection:
            return await connection.fetchval(_SQL[f"add_{name}"], self._team, user, by) is not None

    async def remove_user(self, name: ControlList, user: str) -> bool:
        """Remove a person from a list; False when the person was not in it."""
        async with self._database.acquire() as connection:
            return await connection.fetchval(_SQL[f"remove_{name}"], self._team, user) is not None

    async def list_users(self, name: ControlList) -> list[ControlEntry]:
        """The people in a list."""
        async with self._database.acquire() as connection:
            rows = await connection.fetch(_SQL[_LIST[name]], self._team)
        return [ControlEntry(*row.values()) for row in rows]

    def configured_admins(self) -> list[str]:
        return sorted(self._configured)

    async def record_command(
        self, actor: str, channel: str, command: str, *, allowed: bool, outcome: str
    ) -> None:
        """Write a command to the audit."""
        async with self._database.acquire() as connection:
            await connection.execute(
                _SQL["audit"], self._team, actor, channel, command[:500], allowed, outcome[:500]
            )

    async def list_commands(self, limit: int) -> list[AuditLine]:
        """The latest commands, newest first."""
        async with self._database.acquire() as connection:
            rows = await connection.fetch(_SQL["list_audit"], self._team, limit)
        return [AuditLine(*row.values()) for row in rows]
