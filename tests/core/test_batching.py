"""Group commit: what arrives while a batch is being stored goes together, and nobody waits in vain."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from rookery_core.batching import Batcher
from rookery_core.errors import InvalidInput, Unavailable


class Store:
    """Stores numbers while its gate is open; refuses negative ones."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.open = asyncio.Event()
        self.storing = asyncio.Event()

    async def store(self, numbers: Sequence[int]) -> list[int]:
        self.batches.append(list(numbers))
        self.storing.set()
        await self.open.wait()
        if any(number < 0 for number in numbers):
            raise InvalidInput("number must not be negative.")
        return [10 * number for number in numbers]


async def add_all(batcher: Batcher[int, int], numbers: Sequence[int]) -> list[asyncio.Task[int]]:
    """The callers, each of whom waits by now."""
    tasks = [asyncio.create_task(batcher.add(number)) for number in numbers]
    await asyncio.sleep(0)
    return tasks


async def test_what_arrives_meanwhile_shares_the_next_batch() -> None:
    store = Store()
    batcher = Batcher(store.store, max_batch=3)
    first = await add_all(batcher, [1])
    await store.storing.wait()
    others = await add_all(batcher, [2, 3, 4, 5])
    store.open.set()
    assert await asyncio.gather(*first, *others) == [10, 20, 30, 40, 50]
    assert store.batches == [[1], [2, 3, 4], [5]]


async def test_one_bad_item_fails_alone() -> None:
    store = Store()
    store.open.set()
    batcher = Batcher(store.store, max_batch=10, split_on=(InvalidInput,))
    results = await asyncio.gather(*await add_all(batcher, [1, -2, 3]), return_exceptions=True)
    assert results[::2] == [10, 30]
    assert isinstance(results[1], InvalidInput)
    assert store.batches == [[1, -2, 3], [1], [-2], [3]]


async def test_an_error_that_is_nobodys_fault_fails_the_batch_and_not_the_next() -> None:
    store = Store()
    store.open.set()
    batcher = Batcher(store.store, max_batch=10)
    results = await asyncio.gather(*await add_all(batcher, [-1, 2]), return_exceptions=True)
    assert [type(result) for result in results] == [InvalidInput, InvalidInput]
    assert store.batches == [[-1, 2]]
    assert await batcher.add(3) == 30


async def test_a_cancelled_caller_takes_nothing_from_the_others() -> None:
    store = Store()
    batcher = Batcher(store.store, max_batch=10)
    first, second = await add_all(batcher, [1, 2])
    await store.storing.wait()
    third, fourth = await add_all(batcher, [3, 4])
    first.cancel()
    third.cancel()
    await asyncio.sleep(0)
    store.open.set()
    assert await asyncio.gather(second, fourth) == [20, 40]
    assert first.cancelled() and third.cancelled()
    assert store.batches == [[1, 2], [3, 4]]


async def test_when_storing_is_cancelled_everybody_who_waits_is_answered() -> None:
    store = Store()
    batcher = Batcher(store.store, max_batch=1, name="numbers")
    callers = await add_all(batcher, [1, 2])
    await store.storing.wait()
    (storing,) = [task for task in asyncio.all_tasks() if task.get_name() == "numbers"]
    storing.cancel()
    for caller in callers:
        with pytest.raises(Unavailable, match="may or may not be stored"):
            await caller
    store.open.set()
    assert await batcher.add(3) == 30
