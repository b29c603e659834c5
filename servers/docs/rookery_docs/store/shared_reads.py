"""One reading for many who ask for the same at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class SharedReading(Generic[T]):
    """Reads what belongs to a key. Nobody gets what was begun to be read before they asked.

    So whoever asks during a reading waits for the next one, and all who wait share that.
    """

    def __init__(self, read: Callable[[str], Awaitable[T]]) -> None:
        self._read = read
        self._running: dict[str, asyncio.Task[T]] = {}
        self._next: dict[str, asyncio.Task[T]] = {}

    async def get(self, key: str) -> T:
        """What belongs to the key, as it is now. Raises what reading it raises."""
        reading = self._next.get(key)
        if reading is None:
            reading = asyncio.create_task(self._after(self._running.get(key), key))
            self._next[key] = reading
        return await asyncio.shield(reading)

    async def _after(self, before: asyncio.Task[T] | None, key: str) -> T:
        if before is not None:
            await asyncio.wait({before})
        self._running[key] = self._next.pop(key)
        try:
            return await self._read(key)
        finally:
            if self._running.get(key) is asyncio.current_task():
                del self._running[key]
