"""Low-water marks: where a claim's scan of the ready events may begin.

Index entries of finished events stay in the way for as long as any session holds an older snapshot. Once a scan
from the start takes long, claims begin near the last id they took, and scan from the start only so often that it
costs little: events may become ready below a mark, by a late commit or a retry.
"""

from __future__ import annotations

import time

from rookery_core.queue.model import PRIORITIES

_CHEAP_S = 0.001
_LEAST_PAUSE_S = 0.25
_SHARE = 50  # scans from the start may take a fiftieth of the time
_SLACK = 500  # ids that may be committed out of order


class Marks:
    """The marks of one process, by subscription and priority."""

    def __init__(self, subscriptions: list[str]) -> None:
        self._names = subscriptions
        self._marks: dict[tuple[str, int], int] = {}
        self._scanned_at = 0.0
        self._cost_s = 0.0
        self._turn = 0

    def probes(self) -> tuple[bool, list[str], list[int], list[int]]:
        """Whether this is a scan from the start, and names, priorities and marks in the order to look."""
        pause = max(_LEAST_PAUSE_S, _SHARE * self._cost_s)
        full = self._cost_s < _CHEAP_S or time.monotonic() - self._scanned_at >= pause
        self._turn += 1
        first = self._turn % len(self._names)  # each subscription goes first in its turn
        order = self._names[first:] + self._names[:first]
        pairs = [(name, priority) for priority in reversed(PRIORITIES) for name in order]
        marks = [0 if full else max(0, self._marks.get(pair, 0) - _SLACK) for pair in pairs]
        return full, [name for name, _ in pairs], [priority for _, priority in pairs], marks

    def scanned(self, *, full: bool, cost_s: float) -> None:
        """Note how long a claim took to find its first event."""
        if full:
            self._scanned_at, self._cost_s = time.monotonic(), cost_s

    def took(self, subscription: str, priority: int, event_id: int) -> None:
        """An event was claimed: what follows has a higher id."""
        pair = (subscription, priority)
        if event_id > self._marks.get(pair, 0):
            self._marks[pair] = event_id

    def reopened(self, subscription: str, priority: int, event_id: int) -> None:
        """An event at or after this id becomes ready again, or moves up in its lane."""
        pair = (subscription, priority)
        if event_id < self._marks.get(pair, 0):
            self._marks[pair] = event_id
