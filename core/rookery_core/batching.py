"""Group commit: items that arrive while one batch is being stored are stored together in the next."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from rookery_core.errors import Unavailable

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")


class Batcher(Generic[ItemT, ResultT]):
    """Stores the items of concurrent callers in batches; each caller waits until its item is committed.

    store: stores a batch, all or nothing, and returns one result for each item, in order. split_on: errors that one
    item may have caused; the items of such a batch are then stored one at a time. A caller that is cancelled does not
    withdraw its item.
    """

    def __init__(
        self,
        store: Callable[[Sequence[ItemT]], Awaitable[Sequence[ResultT]]],
        *,
        max_batch: int,
        split_on: tuple[type[Exception], ...] = (),
        name: str = "group commit",
    ) -> None:
        self._store = store
        self._max_batch = max_batch
        self._split_on = split_on
        self._name = name
        self._waiting: list[tuple[ItemT, asyncio.Future[ResultT]]] = []
        self._task: asyncio.Task[None] | None = None

    async def add(self, item: ItemT) -> ResultT:
        """Store an item and return its result once it is committed.

        Raises what storing its batch raised, and Unavailable when the task that stores batches was cancelled: the item
        may be stored or not.
        """
        result: asyncio.Future[ResultT] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, result))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._drain(), name=self._name)
        return await result

    async def _drain(self) -> None:
        batch: list[tuple[ItemT, asyncio.Future[ResultT]]] = []
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[: self._max_batch], self._waiting[self._max_batch :]
                await self._store_batch(batch)
        except BaseException:  # the task was cancelled: nobody else would answer those who wait
            abandoned, self._waiting = [*batch, *self._waiting], []
            _fail(abandoned, Unavailable("The program is stopping; the item may or may not be stored."))
            raise

    async def _store_batch(self, batch: list[tuple[ItemT, asyncio.Future[ResultT]]]) -> None:
        try:
            results = await self._store([item for item, _ in batch])
        except Exception as error:  # noqa: BLE001 (each caller handles the error of its own item)
            if len(batch) == 1 or not isinstance(error, self._split_on):
                _fail(batch, error)
                return
            for entry in batch:
                await self._store_batch([entry])
            return
        for (_, result), value in zip(batch, results, strict=True):
            if not result.done():
                result.set_result(value)


def _fail(batch: Sequence[tuple[ItemT, asyncio.Future[ResultT]]], error: Exception) -> None:
    for _, result in batch:
        if not result.done():
            result.set_exception(error)
