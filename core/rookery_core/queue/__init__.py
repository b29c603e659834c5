"""A durable event queue on PostgreSQL: each event is published once, handled once, and in order within its ordering key.

queue = Queue(database)
await queue.subscribe("slack", "bot", max_attempts=5)
await queue.enqueue("slack", {"type": "app_mention"}, key="Ev123", ordering_key="C1/1700000000.000100")

async def answer(event: Event, attempt: Attempt) -> None: ...

await Worker(queue, {"bot": answer}, concurrency=10).run()
"""

from rookery_core.queue.errors import EventCancelled, LeaseLost, PermanentFailure, RetryLater
from rookery_core.queue.model import LAST_ID, Backoff, Effect, Enqueued, Event, Message, Subscription
from rookery_core.queue.queue import Queue
from rookery_core.queue.worker.attempt import Attempt
from rookery_core.queue.worker.executor import Handler
from rookery_core.queue.worker.worker import Worker

__all__ = [
    "LAST_ID",
    "Attempt",
    "Backoff",
    "Effect",
    "Enqueued",
    "Event",
    "EventCancelled",
    "Handler",
    "LeaseLost",
    "Message",
    "PermanentFailure",
    "Queue",
    "RetryLater",
    "Subscription",
    "Worker",
]
