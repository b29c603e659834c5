"""What must happen to events that nobody is working on; any worker does it for the whole team, again and again."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from rookery_core import sql, telemetry
from rookery_core.queue.base import PACKAGE
from rookery_core.queue.work import WORK_SQL

if TYPE_CHECKING:
    from rookery_core.database import Connection
    from rookery_core.queue.queue import Queue

_log = telemetry.get_logger(__name__)
_SQL = sql.load(PACKAGE, "tend.sql")
_MOST = 500
_PRUNE_EVERY_S = 600.0
_PRUNE_BATCH = 5_000
_SILENT_WORKER_S = 300.0


class Housekeeping:
    """Makes due events ready, gives back or gives up overrun leases, expires, fires schedules, prunes history."""

    def __init__(self, queue: Queue, retention_s: float | None) -> None:
        self._queue = queue
        self._retention_s = retention_s
        self._prune_at = time.monotonic() + _PRUNE_EVERY_S

    async def tend(self, line: Connection | Any) -> tuple[set[str], float | None]:
        """One round. Returns the topics where events became ready, and the seconds until the next falls due."""
        topics = await self.promote(line)
        topics |= await self.reap(line)
        await self.expire(line)
        await self._queue.schedules.fire_due()
        if time.monotonic() >= self._prune_at:
            self._prune_at = time.monotonic() + _PRUNE_EVERY_S
            await self.prune(line)
        return topics, await line.fetchval(_SQL["next_due"], self._queue.team, self._queue.now())

    async def promote(self, line: Connection | Any) -> set[str]:
        """Make scheduled events ready whose time has come; the topics where there were any."""
        topics: set[str] = set()
        while True:
            rows = await line.fetch(_SQL["promote_due"], self._queue.team, self._queue.now(), _MOST)
            topics |= {row["topic"] for row in rows}
            if sum(row["number"] for row in rows) < _MOST:
                return topics

    async def reap(self, line: Connection | Any) -> set[str]:
        """See to leases that ran out: another attempt, or a dead letter when there is none left."""
        rows = await line.fetch(_SQL["overrun"], self._queue.team, self._queue.now(), _MOST)
        if not rows:
            return set()
        over = [row for row in rows if row["verdict"] != "again"]
        again = [row for row in rows if row["verdict"] == "again"]
        _log.warning("leases ran out (%s): their workers crashed, hang or lost the database", len(rows))
        if over:
            entries = [(row["id"], row["token"], row["verdict"], _reason(row)) for row in over]
            await self._queue.leave(entries, only_overrun=True, strict=False, connection=line)
        if not again:
            return set()
        back = await line.fetch(
            WORK_SQL["reopen"], self._queue.team, self._queue.now(), [row["id"] for row in again],
            [row["token"] for row in again], [None] * len(again), [False] * len(again),
            [_reason(row) for row in again], True,
        )  # fmt: skip
        return {row["topic"] for row in back if row["kind"] == "back" and not row["delay_s"]}

    async def expire(self, line: Connection | Any) -> None:
        """Move events to the dead letters whose time is over; a leased one is left to its worker."""
        rows = await line.fetch(_SQL["expired"], self._queue.team, self._queue.now(), _MOST)
        if rows:
            entries = [(row["id"], None, "expired", "not begun before it expired") for row in rows]
            await self._queue.leave(entries, only_overrun=True, strict=False, connection=line)

    async def prune(self, line: Connection | Any) -> None:
        """Forget workers long silent, and history and effects past their retention, a batch at a time."""
        team, now = self._queue.team, self._queue.now()
        await line.execute(_SQL["forget_silent_workers"], team, now, _SILENT_WORKER_S)
        if self._retention_s is None:
            return
        status = await line.execute(_SQL["prune_history"], team, now, self._retention_s, _PRUNE_BATCH)
        if status == f"DELETE {_PRUNE_BATCH}":
            self._prune_at = time.monotonic() + 1.0
        await line.execute(_SQL["prune_effects"], team, now, self._retention_s)


def _reason(row: Any) -> str:
    return f"the lease ran out in attempt {row['attempts']}: worker {row['worker']} crashed, hung or lost the database"
