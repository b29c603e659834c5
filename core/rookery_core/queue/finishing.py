"""Handlers that finish with an effect wait here for the statement that commits it: one for all who wait."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from rookery_core import sql
from rookery_core.errors import RookeryError
from rookery_core.queue.base import PACKAGE
from rookery_core.queue.effects import check_effect, owner_of, twice
from rookery_core.queue.failures import LeaseLost
from rookery_core.queue.model import Event, encode

if TYPE_CHECKING:
    from rookery_core.queue.queue import Queue

_SQL = sql.load(PACKAGE, "effects.sql")

Leaving = tuple[int, int, str | None, str | None, str | None, str | None, str | None]
"""id, token, outcome, error; and the name, request and receipt of an effect, or None.

The outcome is None when there is no more to say: done, with neither an ordering key nor an effect.
"""


class Finishing:
    """The handlers that wait, by event."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self._waiting: dict[int, tuple[Event, asyncio.Future[None]]] = {}

    def begin(
        self, event: Event, name: str, receipt: Any, request: Any
    ) -> tuple[Leaving, asyncio.Future[None]]:
        """What is to leave, and what to wait for."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (
            event.id, event.token, "done", None, check_effect(name), encode(request, "request"),
            encode(receipt, "receipt"),
        )  # fmt: skip
        self._waiting[event.id] = (event, done)
        return entry, done

    async def answer(self, entry: Leaving, verdict: str | None, *, asked_before: bool) -> None:
        """Tell the handler. asked_before: the statement was sent twice, so that `lost` may mean `done before`."""
        event, done = self._waiting.pop(entry[0])
        if done.done():
            return
        try:
            if verdict == "lost" and asked_before and await self._has_receipt(event, entry[4]):
                verdict = None
        except (
            RookeryError
        ) as error:  # nobody can say: the handler fails, and what it did not do is done again
            done.set_exception(error)
            return
        if verdict is None:
            done.set_result(None)
        elif verdict == "twice":
            done.set_exception(twice(event, entry[4] or ""))
        else:
            done.set_exception(LeaseLost.of(event.id))

    async def _has_receipt(self, event: Event, name: str | None) -> bool:
        async with self._queue.connection() as own:
            row = await own.fetchrow(_SQL["effect"], self._queue.team, owner_of(event), name)
        return row is not None and row["receipt"] is not None
