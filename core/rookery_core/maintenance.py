"""Periodic work: when a task is due, and the loop that runs tasks until it is cancelled."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from rookery_core.errors import RookeryError
from rookery_core.telemetry import get_logger

logger = get_logger(__name__)


class Interval:
    """Tells when a task that repeats is due, on the monotonic clock. jitter: the share by which intervals vary."""

    def __init__(self, every_s: float, *, first_in_s: float = 0.0, jitter: float = 0.0) -> None:
        self.every_s = every_s
        self._jitter = jitter
        self._due_at = time.monotonic() + first_in_s

    @property
    def remaining_s(self) -> float:
        """The seconds until the task is due, at most 0 when it is."""
        return self._due_at - time.monotonic()

    def is_due(self) -> bool:
        """Whether the task is due."""
        return self.remaining_s <= 0

    def restart(self) -> None:
        """The task ran now: it is due again after an interval."""
        every_s = self.every_s * random.uniform(1 - self._jitter, 1 + self._jitter)  # noqa: S311
        self._due_at = time.monotonic() + every_s

    def take(self) -> bool:
        """Whether the task is due; if so, restart the interval."""
        if not self.is_due():
            return False
        self.restart()
        return True

    def bring_forward(self, delay_s: float) -> None:
        """The task is due in `delay_s` seconds at the latest."""
        self._due_at = min(self._due_at, time.monotonic() + delay_s)


async def wait_until_due(wake: asyncio.Event, *intervals: Interval) -> None:
    """Wait until one of the intervals is due or `wake` is set, which is cleared."""
    remaining_s = min(interval.remaining_s for interval in intervals)
    if remaining_s > 0:
        with suppress(TimeoutError):
            async with asyncio.timeout(remaining_s):
                await wake.wait()
    wake.clear()


async def run_periodically(
    task: Callable[[], Awaitable[object]],
    every_s: float,
    *,
    wake: asyncio.Event | None = None,
    fatal: tuple[type[RookeryError], ...] = (),
) -> None:
    """Run a task every `every_s` seconds, and at once when `wake` is set, until cancelled.

    An error of ours is logged and the loop continues. Raises errors of the types in `fatal`, and any other exception.
    """
    event = wake or asyncio.Event()
    while True:
        event.clear()
        try:
            await task()
        except fatal:
            raise
        except RookeryError as error:
            logger.warning("%s", error)
        await wait_until_due(event, Interval(every_s, first_in_s=every_s))
