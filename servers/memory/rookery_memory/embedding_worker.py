"""Makes vectors in the background: one event of the queue for each write, one worker in each server."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from rookery_core.identity.caller import DEFAULT_TEAM
from rookery_memory.scopes import caller_of
from rookery_memory.store.context import EMBED_TOPIC

if TYPE_CHECKING:
    from rookery_core.database import Database
    from rookery_core.queue import Attempt, Event, Queue
    from rookery_memory.store import MemoryStore

SUBSCRIPTION = "memory.embed"
MAX_ATTEMPTS = 12


async def open_queue(database: Database, team: str = DEFAULT_TEAM) -> Queue:
    """The event queue, with a subscription for what is to be embedded."""
    from rookery_core.queue import Queue

    queue = Queue(database, team=team)
    await queue.subscribe(EMBED_TOPIC, SUBSCRIPTION, max_attempts=MAX_ATTEMPTS, lease_s=120, internal=True)
    return queue


async def run_worker(store: MemoryStore, team: str = DEFAULT_TEAM) -> None:
    """Embed what is waiting, until cancelled. An embedder that is down is tried again, with growing pauses."""
    from rookery_core.queue import Queue, Worker

    queue = store.context.queue or Queue(store.context.database, team=team)

    async def embed(event: Event, attempt: Attempt) -> None:
        caller = caller_of(str(event.payload["scope"]), str(event.payload["team"]))
        await store.embed_pending(caller)
        await store.tend(caller)

    stop = asyncio.Event()
    worker = Worker(queue, {SUBSCRIPTION: embed}, concurrency=2)
    async with worker:
        await stop.wait()
