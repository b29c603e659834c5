"""A durable event queue on PostgreSQL: each event is published once, handled once, and in order within its ordering key.

queue = Queue(database)
await queue.subscribe("slack", "bot", max_attempts=5)
await queue.enqueue("slack", {"type": "app_mention"}, key="Ev123", ordering_key="C1/1700000000.000100")

async def answer(event: Event, attempt: Attempt) -> None: ...

await Worker(queue, {"bot": answer}, concurrency=10).run()

Importing this imports nothing else; each name is loaded when first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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

_MODULES = {
    "Attempt": "worker.attempt",
    "Handler": "worker.executor",
    "Queue": "queue",
    "Worker": "worker.worker",
    **dict.fromkeys(("EventCancelled", "LeaseLost", "PermanentFailure", "RetryLater"), "errors"),
    **dict.fromkeys(
        ("LAST_ID", "Backoff", "Effect", "Enqueued", "Event", "Message", "Subscription"), "model"
    ),
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
