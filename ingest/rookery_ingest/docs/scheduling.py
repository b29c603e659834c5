"""Scheduled imports: the queue publishes when one is due, a worker does it."""

from __future__ import annotations

from rookery_core.errors import ConfigurationError, InvalidInput, NotFound
from rookery_core.queue import Attempt, Event, PermanentFailure, Queue, Worker
from rookery_core.settings import CoreSettings
from rookery_core.telemetry import get_logger
from rookery_ingest.docs.running import DocsIngest
from rookery_ingest.docs.wanted import run_one, stored

logger = get_logger(__name__)
TOPIC = "docs.refresh"
SUBSCRIPTION = "docs-refresh"


async def set_schedule(settings: CoreSettings, name: str, cron: str | None, time_zone: str) -> str:
    """Import the source at these times, or never again by itself. Returns what was done. Raises NotFound."""
    async with await DocsIngest.open(settings) as ingest:
        await stored(ingest, name)
        queue = Queue(ingest.database, team=settings.team)
        if cron is None:
            await queue.schedules.remove(f"docs:{name}")
            return f"{name} is no longer imported by itself"
        await queue.subscribe(TOPIC, SUBSCRIPTION, max_attempts=3, internal=True)
        at = await queue.schedules.set(f"docs:{name}", TOPIC, cron, {"source": name}, time_zone=time_zone)
        return f"{name} is imported again at {at.isoformat()}"


class Refresher:
    """Handles the events of scheduled imports."""

    def __init__(self, ingest: DocsIngest) -> None:
        self._ingest = ingest

    async def handle(self, event: Event, attempt: Attempt) -> None:
        """Import every version of the source that the event names."""
        try:
            for wanted in await stored(self._ingest, str(event.payload.get("source"))):
                summary = await run_one(self._ingest, wanted, _silent)
                logger.info("imported %s %s: %s", summary.source, summary.version, summary.as_dict())
        except (NotFound, InvalidInput, ConfigurationError) as error:
            raise PermanentFailure(str(error)) from None


def _silent(_stage: str, _done: int) -> None:
    return None


async def work(settings: CoreSettings) -> None:
    """Do scheduled imports until a signal comes."""
    async with await DocsIngest.open(settings) as ingest:
        queue = Queue(ingest.database, team=settings.team)
        await queue.subscribe(TOPIC, SUBSCRIPTION, max_attempts=3, internal=True)
        await Worker(queue, {SUBSCRIPTION: Refresher(ingest).handle}, concurrency=1).run()
