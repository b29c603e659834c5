"""Answers kept in PostgreSQL, schema `github`: shared by every process, and there after a restart."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rookery_core import sql
from rookery_core.identity import Caller
from rookery_github.cache.entry import CachedAnswer, Subject

if TYPE_CHECKING:
    from rookery_core.database import Database

QUERIES = sql.load("rookery_github", "queries.sql")
SAVES_BETWEEN_EVICTIONS = 200
_KEPT_HEADERS = ("etag", "last-modified", "link", "content-type")


class DatabaseStore:
    """An AnswerStore in the database. Holds at most about `max_bytes` for a team."""

    def __init__(self, database: Database, max_bytes: int) -> None:
        self._database = database
        self._max_bytes = max_bytes
        self._saves = 0

    async def find(self, caller: Caller, identity: str, key: str) -> CachedAnswer | None:
        async with self._database.acquire() as connection:
            row = await connection.fetchrow(QUERIES["find_answer"], caller.team, identity, bytes.fromhex(key))
            if row is None:
                return None
            if row["used_long_ago"]:
                await connection.execute(QUERIES["mark_used"], caller.team, identity, bytes.fromhex(key))
        return CachedAnswer(
            body=row["body"],
            headers=row["headers"],
            stored_at=row["stored_at"].timestamp(),
            fresh_until=math.inf if row["immutable"] else row["fresh_until"].timestamp(),
            immutable=row["immutable"],
        )

    async def save(
        self, caller: Caller, identity: str, key: str, subject: Subject, answer: CachedAnswer
    ) -> None:
        headers = {name: answer.headers[name] for name in _KEPT_HEADERS if name in answer.headers}
        async with self._database.acquire() as connection:
            await connection.execute(
                QUERIES["save_answer"],
                caller.team,
                identity,
                bytes.fromhex(key),
                subject.host,
                subject.full_name,
                subject.number,
                headers,
                answer.body,
                answer.immutable,
                _time(answer.stored_at),
                _time(answer.fresh_until),
            )
            self._saves += 1
            if self._saves % SAVES_BETWEEN_EVICTIONS == 0:
                await connection.execute(QUERIES["evict_answers"], caller.team, self._max_bytes)

    async def refresh(self, caller: Caller, identity: str, key: str, fresh_until: float) -> None:
        async with self._database.acquire() as connection:
            await connection.execute(
                QUERIES["refresh_answer"], caller.team, identity, bytes.fromhex(key), _time(fresh_until)
            )

    async def make_stale(self, caller: Caller, subject: Subject) -> None:
        async with self._database.acquire() as connection:
            await connection.execute(
                QUERIES["make_stale"], caller.team, subject.host, subject.full_name, subject.number
            )


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(0.0 if math.isinf(seconds) else seconds, UTC)
