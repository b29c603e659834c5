"""What was written under which idempotency key, so that no key writes twice."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from rookery_core.identity import Caller

if TYPE_CHECKING:
    from rookery_core.database import Database


@dataclass(frozen=True, slots=True)
class Known:
    """An earlier write with the same key. receipt: None while nobody knows whether it happened."""

    digest: str
    started_at: float
    receipt: dict[str, Any] | None


class Ledger(Protocol):
    """Intents before GitHub is asked, receipts after. Every method acts for one caller's team."""

    async def intend(self, caller: Caller, identity: str, key: str, tool: str, digest: str) -> Known | None:
        """Note a write that is about to be made; what is known when the key was used before, else None."""
        ...

    async def receive(self, caller: Caller, identity: str, key: str, receipt: dict[str, Any]) -> None:
        """The write happened."""
        ...

    async def withdraw(self, caller: Caller, identity: str, key: str) -> None:
        """The write certainly did not happen."""
        ...


class MemoryLedger:
    """A Ledger that this process remembers."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str, str], Known] = {}

    @property
    def empty(self) -> bool:
        """Whether nothing was noted yet."""
        return not self._known

    async def intend(self, caller: Caller, identity: str, key: str, tool: str, digest: str) -> Known | None:
        place = (caller.team, identity, key)
        known = self._known.get(place)
        if known is None:
            self._known[place] = Known(digest, time.time(), None)
        return known

    async def receive(self, caller: Caller, identity: str, key: str, receipt: dict[str, Any]) -> None:
        known = self._known[caller.team, identity, key]
        self._known[caller.team, identity, key] = Known(known.digest, known.started_at, receipt)

    async def withdraw(self, caller: Caller, identity: str, key: str) -> None:
        self._known.pop((caller.team, identity, key), None)


class DatabaseLedger:
    """A Ledger in the database: it outlives restarts and is shared by copies of the server."""

    def __init__(self, database: Database) -> None:
        from rookery_core import sql

        self._database = database
        self._queries = sql.load("rookery_github", "queries.sql")

    async def intend(self, caller: Caller, identity: str, key: str, tool: str, digest: str) -> Known | None:
        async with self._database.acquire() as connection:
            new = await connection.fetchrow(
                self._queries["intend_write"], caller.team, identity, key, tool, digest
            )
            if new is not None:
                return None
            row = await connection.fetchrow(self._queries["find_write"], caller.team, identity, key)
        if row is None:
            return None
        return Known(row["arguments_digest"], row["started_at"].timestamp(), row["receipt"])

    async def receive(self, caller: Caller, identity: str, key: str, receipt: dict[str, Any]) -> None:
        async with self._database.acquire() as connection:
            await connection.execute(self._queries["record_receipt"], caller.team, identity, key, receipt)

    async def withdraw(self, caller: Caller, identity: str, key: str) -> None:
        async with self._database.acquire() as connection:
            await connection.execute(self._queries["withdraw_write"], caller.team, identity, key)


FindLedger = Callable[[], Awaitable[Ledger]]
