"""Claims events for the slots of a worker, as many in one statement as there is room for."""

from __future__ import annotations

import asyncio
import random
import time

from rookery_core.queue.claims import CLAIMS_SQL, Release, new_token, read_event
from rookery_core.queue.model import Event
from rookery_core.queue.queue import Queue
from rookery_core.queue.worker.attempt import Attempt
from rookery_core.queue.worker.completer import Completer
from rookery_core.queue.worker.connection_loop import ConnectionLoop
from rookery_core.queue.worker.executor import ClaimedEvent, Policies, Slots
from rookery_core.queue.worker.low_water_marks import LowWaterMarks
from rookery_core.queue.worker.signals import Signals

MAX_BATCH = 400
_HELD_BACK_PAUSE_S = 0.005  # until a slot may be free for a retried event


class Fetcher(ConnectionLoop):
    """Claims when events are expected and there is room. The next batch is fetched while the last one is handled."""

    def __init__(
        self,
        queue: Queue,
        slots: Slots,
        policies: Policies,
        completer: Completer,
        marks: LowWaterMarks,
        signals: Signals,
        worker_id: str,
    ) -> None:
        super().__init__(queue, signals.fetch)
        self._slots = slots
        self._policies = policies
        self._completer = completer
        self._marks = marks
        self._signals = signals
        self._worker_id = worker_id
        self._unconfirmed: int | None = None  # the token of a claim whose result never arrived

    def close(self) -> None:
        """Claim nothing more."""
        self._signals.drain()
        super().close()

    # --- the loop

    def has_work(self) -> bool:
        return self._signals.room > 0 or self._unconfirmed is not None

    async def work(self) -> None:
        if self._unconfirmed is not None:
            await self._release_unconfirmed(self._unconfirmed)
        if room := min(self._signals.room, MAX_BATCH):
            await self._claim(room)

    async def _claim(self, room: int) -> None:
        token, started = new_token(), time.monotonic()
        plan = self._marks.plan_scan()
        self._signals.events_expected = (
            False  # before the claim, so that a notification during it is not lost
        )
        self._unconfirmed = token
        try:
            rows = await self.fetch(
                CLAIMS_SQL["claim_events"], self.queue.team, self.queue.now(), plan.names, plan.priorities,
                plan.first_ids, room, self._slots.max_followers, token, self._worker_id, self._slots.free,
            )  # fmt: skip
        except BaseException:
            self._signals.events_expected = True
            raise
        self._unconfirmed = None
        claimed: list[Event] = []
        loop = asyncio.get_running_loop()
        for row in rows:
            kind = row["kind"]
            if kind == "claimed":
                claimed.append(read_event(row))
            elif kind == "scan":
                self._marks.record_scan(plan, row["scan_us"] / 1e6)
                if row["held_back"] > 0:
                    loop.call_later(_HELD_BACK_PAUSE_S, self._signals.expect_events)
            else:  # contended: another claim holds the limited subscription
                loop.call_later(random.uniform(0.001, 0.005), self._signals.expect_events)  # noqa: S311
        if len(claimed) >= room:
            self._signals.events_expected = True
        self._hand_over(claimed, started)

    async def _release_unconfirmed(self, token: int) -> None:
        """Release what a claim leased whose result was lost with its connection."""
        rows = await self.fetch(CLAIMS_SQL["find_claim"], self.queue.team, list(self._policies), token)
        for row in rows:
            self._completer.release_lease(Release(row["id"], row["token"], 0.0, consumes_attempt=False))
        self._unconfirmed = None

    def _hand_over(self, events: list[Event], started: float) -> None:
        events.sort(key=lambda event: (-event.priority, event.id))
        lanes: dict[tuple[str, str], list[ClaimedEvent]] = {}
        for event in events:
            policy = self._policies[event.subscription]
            last = event.attempt >= policy.max_attempts
            attempt = Attempt(self.queue, event, last, self._completer.finish_with_effect)
            claimed = ClaimedEvent(event, attempt, started + policy.lease_s)
            if self.closing:
                self._completer.release(claimed, 0.0, None, consumes_attempt=False)
            elif event.ordering_key is None:
                self._marks.advance(event)
                self._slots.offer([claimed])
            elif policy.key_concurrency > 1:
                self._slots.offer([claimed])
            else:
                lanes.setdefault((event.subscription, event.ordering_key), []).append(claimed)
        for sequence in lanes.values():
            sequence.sort(key=lambda claimed: claimed.event.place or 0)
            self._marks.advance(sequence[0].event)
            self._slots.offer(sequence)
