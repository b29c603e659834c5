"""Claims events for a worker's slots, as many as they have room for in one statement."""

from __future__ import annotations

import asyncio
import random
import time
from typing import TYPE_CHECKING, Any

from rookery_core.queue.attempt import Attempt
from rookery_core.queue.flight import Flight
from rookery_core.queue.line import Line
from rookery_core.queue.marks import Marks
from rookery_core.queue.model import Event
from rookery_core.queue.settler import Settler
from rookery_core.queue.slots import Slots
from rookery_core.queue.work import WORK_SQL, event_of, new_token

if TYPE_CHECKING:
    from rookery_core.queue.queue import Queue

_BATCH = 400
_SUSPECT_PAUSE_S = 0.005  # until a slot may be free for an event that had an attempt before


class Claimer(Line):
    """Claims when it was woken and there is room. The next batch is on its way while the last one is handled."""

    def __init__(self, queue: Queue, slots: Slots, worker_id: str) -> None:
        super().__init__(queue)
        self._slots = slots
        self._worker_id = worker_id
        self._marks = Marks(sorted(slots.policies))
        self._wanted = True
        self._scan_s = 0.0
        self._doubtful: int | None = None  # the token of a claim whose answer never came
        self.settler = Settler(queue, slots, self)

    def wake(self) -> None:
        """There may be work."""
        self._wanted = True
        self._signal.set()

    def wake_if_room(self) -> bool:
        """The same, unless there is no slot for it."""
        if self.closing or not self._slots.room:
            return False
        self.wake()
        return True

    def look(self) -> None:
        if self._room():
            self._signal.set()

    def close(self) -> None:
        """Claim nothing more."""
        self.closing = True
        self._signal.set()

    def reopened(self, event: Event) -> None:
        """At or after this event something becomes ready again."""
        self._marks.reopened(event.subscription, event.priority, event.id)

    # --- the loop

    def has_work(self) -> bool:
        return bool(self._room()) or self._doubtful is not None

    def _room(self) -> int:
        return min(self._slots.room, _BATCH) if self._wanted and not self.closing else 0

    async def work(self) -> None:
        if self._doubtful is not None:
            await self._recover(self._doubtful)
        if room := self._room():
            await self._claim(room)

    async def _claim(self, room: int) -> None:
        token, begun = new_token(), time.monotonic()
        full, names, priorities, marks = self._marks.probes()
        self._wanted = False  # before the claim: a hint that comes meanwhile is not forgotten
        self._doubtful = token
        try:
            rows = await self.fetch(
                WORK_SQL["claim"], self.queue.team, self.queue.now(), names, priorities, marks, room,
                self._slots.follow, token, self._worker_id, self._slots.free,
            )  # fmt: skip
        except BaseException:
            self._wanted = True
            raise
        self._doubtful = None
        claimed = self._read(rows)
        self._marks.scanned(full=full, cost_s=self._scan_s)
        self._wanted = self._wanted or len(claimed) >= room
        self._hand_over(claimed, begun)

    def _read(self, rows: list[Any]) -> list[Event]:
        claimed: list[Event] = []
        loop = asyncio.get_running_loop()
        for row in rows:
            kind = row[0]
            if kind == "claimed":
                claimed.append(event_of(row))
            elif kind == "scan":
                self._scan_s = row[1] / 1e6
                if row[9] > 0:
                    loop.call_later(_SUSPECT_PAUSE_S, self.wake)
            else:  # contended: another claim had the turn of a limited subscription
                loop.call_later(random.uniform(0.001, 0.005), self.wake)  # noqa: S311
        return claimed

    async def _recover(self, token: int) -> None:
        """Give back what a claim leased whose answer was lost with its connection."""
        rows = await self.fetch(WORK_SQL["claim_of"], self.queue.team, list(self._slots.policies), token)
        for row in rows:
            self.settler.give_back((row["id"], row["token"], 0.0, True, None))
        self._doubtful = None

    def _hand_over(self, claimed: list[Event], begun: float) -> None:
        claimed.sort(key=lambda event: (-event.priority, event.id))
        lanes: dict[tuple[str, str], list[Flight]] = {}
        for event in claimed:
            policy = self._slots.policies[event.subscription]
            attempt = Attempt(self.queue, event, event.attempt >= policy.max_attempts, self.settler.finish)
            flight = Flight(event, attempt, begun + policy.lease_s)
            if self.closing:
                self.settler.returned(flight, 0.0, None, refund=True)
            elif event.ordering_key is None:
                self._marks.took(event.subscription, event.priority, event.id)
                self._slots.offer([flight])
            elif policy.key_concurrency > 1:
                self._slots.offer([flight])
            else:
                lanes.setdefault((event.subscription, event.ordering_key), []).append(flight)
        for run in lanes.values():
            run.sort(key=lambda flight: flight.event.place or 0)
            head = run[0].event
            self._marks.took(head.subscription, head.priority, head.id)
            self._slots.offer(run)
