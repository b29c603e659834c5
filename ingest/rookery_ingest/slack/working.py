"""`rookery-ingest worker`: applies live events, makes vectors, keeps statistics and retention up to date."""

from __future__ import annotations

import argparse
import asyncio
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from rookery_core import garbage_collection
from rookery_core.embedders import create_embedder
from rookery_core.maintenance import run_periodically
from rookery_core.queue import Attempt, Event, Queue, Worker
from rookery_core.telemetry import get_logger
from rookery_ingest.slack.applying import MAX_BATCH, Applier, EventBatcher
from rookery_ingest.slack.embedding import embed_backlog
from rookery_ingest.slack.listening import SUBSCRIPTION, subscribe
from rookery_ingest.slack.live import until_stopped
from rookery_ingest.slack.running import ingest_caller, ingest_database
from rookery_ingest.slack.statistics import refresh
from rookery_slack.store import erasure, sync_state

if TYPE_CHECKING:
    from rookery_core.database import Database
    from rookery_core.embedders import Embedder
    from rookery_core.identity import Caller
    from rookery_ingest.slack.settings import SlackIngestSettings

_log = get_logger(__name__)
STATISTICS_EVERY = timedelta(minutes=10)
FORGET_EVERY = timedelta(hours=24)
LOOK_EVERY_S = 60.0


async def worker_command(arguments: argparse.Namespace, settings: SlackIngestSettings) -> int:
    """Work until a signal comes; what is under way is finished or given back."""
    async with ingest_database(settings, connections=8) as database:
        queue = Queue(database, team=settings.team)
        await subscribe(queue)
        embedder = create_embedder(settings)
        worker = IngestWorker(database, queue, settings, embedder)
        garbage_collection.freeze()
        print("working", file=sys.stderr)
        async with worker.events(), asyncio.TaskGroup() as group:
            background = group.create_task(worker.background())
            await until_stopped(asyncio.shield(background))
            background.cancel()
        if embedder is not None:
            await embedder.close()
    return 0


class IngestWorker:
    """What runs in the worker."""

    def __init__(
        self, database: Database, queue: Queue, settings: SlackIngestSettings, embedder: Embedder | None
    ) -> None:
        self._database = database
        self._queue = queue
        self._settings = settings
        self._embedder = embedder
        self._caller: Caller = ingest_caller(settings)
        self._batcher = EventBatcher(Applier(database, self._caller, keep_direct=settings.ingest_dms))

    def events(self) -> Worker:
        """Applies events as they come, as many at once as are there."""

        async def apply(event: Event, attempt: Attempt) -> None:
            await self._batcher.apply(event.payload)

        return Worker(self._queue, {SUBSCRIPTION: apply}, concurrency=2 * MAX_BATCH)

    async def background(self) -> None:
        """Vectors as soon as messages have changed; statistics and forgetting when it is time. Runs until cancelled."""
        await run_periodically(self.tend, LOOK_EVERY_S, wake=self._batcher.changed)

    async def tend(self) -> None:
        """Once round."""
        await self._forget_if_due()
        await self._count_if_due()
        if self._embedder is not None:
            async for _ in embed_backlog(self._database, self._caller, self._embedder):
                pass

    async def _count_if_due(self) -> None:
        if await self._is_due("statistics", STATISTICS_EVERY):
            await refresh(self._database, self._caller)

    async def _forget_if_due(self) -> None:
        if not await self._is_due("retention", FORGET_EVERY):
            return
        async with self._database.transaction(self._caller) as connection:
            await sync_state.expire_raw(connection, self._caller, self._settings.raw_event_days)
            gone = await erasure.apply_retention(connection, self._caller)
            await sync_state.compact_chunks(connection)
        if gone:
            _log.info("forgot %d messages past their retention", gone)

    async def _is_due(self, name: str, every: timedelta) -> bool:
        """Whether it was last done longer ago than that; then it counts as done, so that one copy does it."""
        now = datetime.now(UTC)
        async with self._database.transaction(self._caller) as connection:
            last = await sync_state.mark(connection, self._caller, name)
            if last is not None and now - last < every:
                return False
            await sync_state.set_mark(connection, self._caller, name, now)
        return True
