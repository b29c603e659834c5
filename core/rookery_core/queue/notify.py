"""Notifications across processes. They only save time: a process that misses one finds the work at its next poll.

A notification holds a lock of the whole server until its commit, so their rate is limited: the first one travels with
the enqueuing statement itself, those of the next few milliseconds are combined into one that follows.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from rookery_core.telemetry import get_logger

CHANNEL = "rookery_queue"
SPACING_S = 0.005

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Notification:
    """A topic may have work in `delay_s` seconds. tie_break: a random number that picks which idle worker polls first."""

    topic: str
    team: str
    delay_s: float
    tie_break: int

    def __str__(self) -> str:
        return f"{self.topic} {self.delay_s:.3f} {self.tie_break} {self.team}"

    @classmethod
    def parse(cls, text: str) -> Notification | None:
        """The notification in a text from the channel, or None when the text has another form."""
        try:
            topic, delay, tie_break, team = text.split(" ", 3)
            return cls(topic, team, float(delay), int(tie_break))
        except ValueError:
            return None


def format_notification(topic: str, team: str, delay_s: float = 0.0) -> str:
    """The text of a new notification."""
    return str(Notification(topic, team, delay_s, random.getrandbits(16)))


class Notifier:
    """Decides which statements carry a notification themselves, and sends one for the rest a little later."""

    def __init__(self, send: Callable[[list[str]], Awaitable[None]]) -> None:
        self._send = send
        self._last: dict[str, float] = {}
        self._postponed: dict[tuple[str, str], float] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    def take(self, topic: str, team: str, delay_s: float = 0.0) -> str | None:
        """The notification to send now, or None when it was postponed and combined with others."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        if now - self._last.get(topic, float("-inf")) >= SPACING_S:
            self._last[topic] = now
            return format_notification(topic, team, delay_s)
        due = self._postponed.get((topic, team), delay_s)
        self._postponed[topic, team] = min(due, delay_s)
        if self._timer is None or self._timer.when() < now:
            self._timer = loop.call_later(SPACING_S, self._start_sending)
        return None

    def _start_sending(self) -> None:
        self._timer = None
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self.flush(), name="queue notifications")
        elif self._postponed:
            self._timer = asyncio.get_running_loop().call_later(SPACING_S, self._start_sending)

    async def flush(self) -> None:
        """Send what was postponed. An unreachable database is ignored: the next poll finds the work."""
        pending, self._postponed = self._postponed, {}
        if not pending:
            return
        now = asyncio.get_running_loop().time()
        self._last.update((topic, now) for topic, _ in pending)
        try:
            await self._send(
                [format_notification(topic, team, delay) for (topic, team), delay in pending.items()]
            )
        except Exception as error:  # noqa: BLE001 (a notification only saves time)
            logger.debug("queue: a notification was not sent: %s", error)
