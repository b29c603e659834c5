"""Low-water marks: where the scan of a claim for ready events may begin.

Index entries of finished events remain for as long as any session holds an older snapshot, and every scan has to pass
them. Once a scan from the start takes long, claims begin near the last id they claimed and scan from the start only so
often that it costs little: events may become ready below a mark, by a late commit or a retry.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import NamedTuple

from rookery_core.queue.model import PRIORITIES, Event

_CHEAP_SCAN_S = 0.001
_MIN_PAUSE_S = 0.25
_FULL_SCAN_SHARE = 50  # scans from the start may take one fiftieth of the time
_MAX_REORDERED_IDS = 500  # ids may be committed out of order by so many


class ScanPlan(NamedTuple):
    """Where a claim looks: subscriptions, priorities and first ids in order, arrays of one length.

    full: the scan begins at the start of the index.
    """

    full: bool
    names: list[str]
    priorities: list[int]
    first_ids: list[int]


class LowWaterMarks:
    """The marks of one process, by subscription and priority."""

    def __init__(self, subscriptions: Iterable[str]) -> None:
        self._names = sorted(subscriptions)
        self._marks: dict[tuple[str, int], int] = {}
        self._scanned_at = 0.0
        self._cost_s = 0.0
        self._first = 0

    def plan_scan(self) -> ScanPlan:
        """The plan of the next claim."""
        pause_s = max(_MIN_PAUSE_S, _FULL_SCAN_SHARE * self._cost_s)
        full = self._cost_s < _CHEAP_SCAN_S or time.monotonic() - self._scanned_at >= pause_s
        self._first = (self._first + 1) % len(self._names)  # subscriptions take turns at going first
        order = self._names[self._first :] + self._names[: self._first]
        pairs = [(name, priority) for priority in reversed(PRIORITIES) for name in order]
        first_ids = [0 if full else max(0, self._marks.get(pair, 0) - _MAX_REORDERED_IDS) for pair in pairs]
        return ScanPlan(full, [name for name, _ in pairs], [priority for _, priority in pairs], first_ids)

    def record_scan(self, plan: ScanPlan, cost_s: float) -> None:
        """Record how long a claim took to find its first event."""
        if plan.full:
            self._scanned_at, self._cost_s = time.monotonic(), cost_s

    def advance(self, event: Event) -> None:
        """An event was claimed: the next ready ones have higher ids."""
        pair = (event.subscription, event.priority)
        if event.id > self._marks.get(pair, 0):
            self._marks[pair] = event.id

    def rewind(self, event: Event) -> None:
        """This event, or one with a higher id, becomes ready again."""
        pair = (event.subscription, event.priority)
        if event.id < self._marks.get(pair, 0):
            self._marks[pair] = event.id
