"""Workers: claim events in batches, run their handlers, and complete or release them."""

from rookery_core.queue.worker.executor import Handler
from rookery_core.queue.worker.worker import Worker

__all__ = ["Handler", "Worker"]
