"""An event between its claim and its verdict."""

from __future__ import annotations

import asyncio
from typing import Literal

from rookery_core.queue.attempt import Attempt
from rookery_core.queue.model import Event

Reason = Literal["lost", "cancelled", "stopped"]
"""Why an event is stopped: its lease is gone, it was cancelled, or the worker ends."""


class Flight:
    """An event and its attempt. task: what runs its handler just now. revoked: why it is to stop, if it is."""

    __slots__ = ("attempt", "deadline", "event", "offered", "revoked", "task")

    def __init__(self, event: Event, attempt: Attempt, deadline: float) -> None:
        self.event = event
        self.attempt = attempt
        self.deadline = deadline  # of the lease, on this process's monotonic clock
        self.offered = 0.0
        self.task: asyncio.Task[None] | None = None
        self.revoked: Reason | None = None
