"""Maintenance of events that no worker runs. Every worker does it for the whole team."""

from __future__ import annotations

from typing import Any

from rookery_core import sql, telemetry
from rookery_core.database.connection import Connection
from rookery_core.maintenance import Interval
from rookery_core.queue.base import PACKAGE
from rookery_core.queue.claims import CLAIMS_SQL, Finish, Release, release_columns
from rookery_core.queue.queue import Queue

logger = telemetry.get_logger(__name__)
_SQL = sql.load(PACKAGE, "sql/maintenance.sql")
MAX_BATCH = 500
_PRUNE_EVERY_S = 600.0
_PRUNE_BATCH = 5_000
_PRUNE_AGAIN_S = 1.0  # while more is left to prune
_SILENT_WORKER_S = 300.0


class Maintenance:
    """Promotes due events, recovers expired leases, ends events past their time to live, fires schedules, prunes history.

    Each connection is a worker's own or one of the pool.
    """

    def __init__(self, queue: Queue, retention_s: float | None) -> None:
        self._queue = queue
        self._retention_s = retention_s
        self._prune = Interval(_PRUNE_EVERY_S, first_in_s=_PRUNE_EVERY_S)

    async def run_once(self, connection: Connection | Any) -> tuple[set[str], float | None]:
        """Run one pass. Returns the topics where events became ready, and the seconds until the next event is due."""
        topics = await self.promote_due(connection)
        topics |= await self.recover_leases(connection)
        await self.end_past_ttl(connection)
        await self._queue.schedules.fire_due()
        if self._prune.take():
            await self.prune(connection)
        due_in_s = await connection.fetchval(_SQL["get_next_due"], self._queue.team, self._queue.now())
        return topics, due_in_s

    async def promote_due(self, connection: Connection | Any) -> set[str]:
        """Make scheduled events that are due ready; returns their topics."""
        topics: set[str] = set()
        while True:
            rows = await connection.fetch(
                _SQL["promote_due_events"], self._queue.team, self._queue.now(), MAX_BATCH
            )
            topics |= {row["topic"] for row in rows}
            if sum(row["number"] for row in rows) < MAX_BATCH:
                return topics

    async def recover_leases(self, connection: Connection | Any) -> set[str]:
        """Release events whose lease expired, or finish those without an attempt left; returns topics with ready ones."""
        rows = await connection.fetch(
            _SQL["list_expired_leases"], self._queue.team, self._queue.now(), MAX_BATCH
        )
        if not rows:
            return set()
        logger.warning(
            "queue: %s leases expired: their workers crashed, hung or lost the database", len(rows)
        )
        ended = [
            Finish(row["id"], row["token"], row["outcome"], _describe_expiry(row))
            for row in rows
            if row["outcome"] != "retry"
        ]
        if ended:
            await self._queue.finish_many(
                ended, only_expired_leases=True, strict=False, connection=connection
            )
        retried = [
            Release(row["id"], row["token"], None, consumes_attempt=True, error=_describe_expiry(row))
            for row in rows
            if row["outcome"] == "retry"
        ]
        if not retried:
            return set()
        rows = await connection.fetch(
            CLAIMS_SQL["release_events"],
            self._queue.team,
            self._queue.now(),
            *release_columns(retried),
            True,
        )
        return {row["topic"] for row in rows if row["status"] == "released" and not row["delay_s"]}

    async def end_past_ttl(self, connection: Connection | Any) -> None:
        """Make events that exceeded their time to live dead letters; a leased one is left to its worker."""
        rows = await connection.fetch(
            _SQL["list_events_past_ttl"], self._queue.team, self._queue.now(), MAX_BATCH
        )
        if rows:
            expired = [Finish(row["id"], None, "expired", "not started before it expired") for row in rows]
            await self._queue.finish_many(
                expired, only_expired_leases=True, strict=False, connection=connection
            )

    async def prune(self, connection: Connection | Any) -> None:
        """Delete workers without a heartbeat, and a batch of history and effects past their retention."""
        team, now = self._queue.team, self._queue.now()
        await connection.execute(_SQL["delete_silent_workers"], team, now, _SILENT_WORKER_S)
        if self._retention_s is None:
            return
        status = await connection.execute(_SQL["prune_history"], team, now, self._retention_s, _PRUNE_BATCH)
        if status == f"DELETE {_PRUNE_BATCH}":
            self._prune.bring_forward(_PRUNE_AGAIN_S)
        await connection.execute(_SQL["prune_effects"], team, now, self._retention_s)


def _describe_expiry(row: Any) -> str:
    return f"the lease expired in attempt {row['attempts']}: worker {row['worker']} crashed, hung or lost the database"
