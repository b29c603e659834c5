"""Low-water marks: where a claim's scan of the ready events may begin.

Index entries of finished events stay in the way for as long as any session holds an older snapshot, so a busy
claim begins at the last id it took. Events can become ready below a mark (committed late, retried): a claim that
is not in full swing, and one every now and then, scans from the start, as long as that is cheap.
"""

from __future__ import annotations

import time

from rookery_core.queue.model import PRIORITIES

_CHEAP_S = 0.004
_EVERY_S = 1.0
_SHARE = 20  # a scan from the start may take a twentieth of the time at most


class Marks:
    """The marks of one process, by subscription and priority."""

    def __init__(self, subscriptions: list[str]) -> None:
        self._names = subscriptions
        self._marks: dict[tuple[str, int], int] = {}
        self._full_at = 0.0
        self._full_took_s = 0.0
        self._turn = 0

    def probes(self, *, busy: bool) -> tuple[bool, list[str], list[int], list[int]]:
        """Whether this is a scan from the start, and names, priorities and marks in the order to look."""
        full = self._is_due(busy)
        self._turn += 1
        first = self._turn % len(self._names)  # each subscription goes first in its turn
        order = self._names[first:] + self._names[:first]
        pairs = [(name, priority) for priority in reversed(PRIORITIES) for name in order]
        marks = [0 if full else self._marks.get(pair, 0) for pair in pairs]
        return full, [name for name, _ in pairs], [priority for _, priority in pairs], marks

    def scanned(self, *, full: bool, took_s: float) -> None:
        """Note what a claim cost."""
        if full:
            self._full_at, self._full_took_s = time.monotonic(), took_s

    def took(self, subscription: str, priority: int, event_id: int) -> None:
        """Note an event that was claimed."""
        pair = (subscription, priority)
        if event_id > self._marks.get(pair, 0):
            self._marks[pair] = event_id

    def _is_due(self, busy: bool) -> bool:
        since = time.monotonic() - self._full_at
        if since >= max(_EVERY_S, _SHARE * self._full_took_s):
            return True
        return not busy and self._full_took_s < _CHEAP_S
