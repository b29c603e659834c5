"""Wake-up across processes. A hint is only a hint: whoever misses it finds the work at the next poll.

A notification holds a lock of the whole server through its commit, so hints are limited: the first goes out
with the enqueuing statement itself, those within the next few milliseconds are gathered into one that follows.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from rookery_core.telemetry import get_logger

CHANNEL = "rookery_queue"
SPACING_S = 0.005

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Hint:
    """A topic may have work in `delay_s` seconds. `lot` picks which of several idle processes goes first."""

    topic: str
    team: str
    delay_s: float
    lot: int

    def __str__(self) -> str:
        return f"{self.topic} {self.delay_s:.3f} {self.lot} {self.team}"

    @classmethod
    def parse(cls, text: str) -> Hint | None:
        """The hint in a notification's text, or None when it is none of ours."""
        try:
            topic, delay, lot, team = text.split(" ", 3)
            return cls(topic, team, float(delay), int(lot))
        except ValueError:
            return None


def make_hint(topic: str, team: str, delay_s: float = 0.0) -> str:
    """The text of a notification."""
    return str(Hint(topic, team, delay_s, random.getrandbits(16)))


class Hints:
    """Decides which enqueues carry their hint themselves, and sends one for the rest a little later."""

    def __init__(self, send: Callable[[list[str]], Awaitable[None]]) -> None:
        self._send = send
        self._last: dict[str, float] = {}
        self._trailing: dict[tuple[str, str], float] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    def leading(self, topic: str, team: str, delay_s: float = 0.0) -> str | None:
        """The hint to send at once, or None when it was put off to the trailing one."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        if now - self._last.get(topic, float("-inf")) >= SPACING_S:
            self._last[topic] = now
            return make_hint(topic, team, delay_s)
        due = self._trailing.get((topic, team), delay_s)
        self._trailing[topic, team] = min(due, delay_s)
        if self._timer is None or self._timer.when() < now:
            self._timer = loop.call_later(SPACING_S, self._start_trailing)
        return None

    def _start_trailing(self) -> None:
        self._timer = None
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self.flush(), name="queue hints")
        elif self._trailing:
            self._timer = asyncio.get_running_loop().call_later(SPACING_S, self._start_trailing)

    async def flush(self) -> None:
        """Send what was put off. Never raises for an unreachable database: the poll finds the work."""
        pending, self._trailing = self._trailing, {}
        if not pending:
            return
        now = asyncio.get_running_loop().time()
        self._last.update((topic, now) for topic, _ in pending)
        try:
            await self._send([make_hint(topic, team, delay) for (topic, team), delay in pending.items()])
        except Exception as error:  # noqa: BLE001 (only a hint)
            _log.debug("a wake-up was not sent: %s", error)


Listener = Callable[[Hint], Any]
