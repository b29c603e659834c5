"""What the parts of one worker tell each other, so that each is complete when constructed and none refers to another."""

from __future__ import annotations

import asyncio

from rookery_core.maintenance import Interval
from rookery_core.queue.worker.executor import Slots


class Signals:
    """Wakes the fetcher when there may be events and room for them, and maintenance when an event falls due."""

    def __init__(self, slots: Slots, poll_s: float) -> None:
        self._slots = slots
        self.fetch = asyncio.Event()  # the fetcher should check for work
        self.heartbeat = asyncio.Event()  # the heartbeat should check its times
        self.events_expected = True  # there may be ready events
        self.draining = False  # nothing more is claimed
        self.maintenance = Interval(poll_s, jitter=0.2)

    @property
    def room(self) -> int:
        """How many events to claim now; 0 when none are expected, every slot is busy, or the worker drains."""
        return self._slots.room if self.events_expected and not self.draining else 0

    def expect_events(self) -> None:
        """There may be ready events: claim when there is room."""
        self.events_expected = True
        self.fetch.set()

    def expect_events_if_room(self) -> bool:
        """Wake the fetcher unless every slot is busy; returns whether it was woken."""
        if self.draining or not self._slots.room:
            return False
        self.expect_events()
        return True

    def slot_freed(self) -> None:
        """A slot may be free: wake the fetcher when there is something to claim."""
        if self.events_expected and not self.draining and self._slots.room:
            self.fetch.set()

    def retry_in(self, delay_s: float) -> None:
        """An event falls due in so many seconds: run maintenance then."""
        self.maintenance.bring_forward(delay_s + 0.001)
        self.heartbeat.set()

    def drain(self) -> None:
        """Claim nothing more."""
        self.draining = True
        self.fetch.set()
