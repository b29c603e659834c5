"""Readings that many share."""

from __future__ import annotations

import asyncio

import pytest

from rookery_docs.service import SharedReading


class Readings:
    """Readings that end when they are let go, each answering with how many had begun before it ended."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.go = asyncio.Semaphore(0)

    async def read(self, key: str) -> str:
        self.begun.append(key)
        number = len(self.begun)
        await self.go.acquire()
        if key == "broken":
            raise ValueError(key)
        return f"{key} {number}"


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_who_asks_during_a_reading_shares_the_next_one() -> None:
    readings = Readings()
    shared = SharedReading(readings.read)
    early = [asyncio.create_task(shared.get("a")) for _ in range(3)]
    await settle()
    late = [asyncio.create_task(shared.get("a")) for _ in range(4)]
    await settle()
    assert readings.begun == ["a"], "the late ones do not get what was begun before they asked"
    readings.go.release()
    await settle()
    readings.go.release()
    assert await asyncio.gather(*early, *late) == ["a 1"] * 3 + ["a 2"] * 4


async def test_keys_do_not_wait_for_each_other() -> None:
    readings = Readings()
    shared = SharedReading(readings.read)
    asked = [asyncio.create_task(shared.get(key)) for key in "ab"]
    await settle()
    assert readings.begun == ["a", "b"]
    readings.go.release()
    readings.go.release()
    assert await asyncio.gather(*asked) == ["a 1", "b 2"]


async def test_one_who_gives_up_takes_nothing_from_the_others() -> None:
    readings = Readings()
    shared = SharedReading(readings.read)
    first, second = (asyncio.create_task(shared.get("a")) for _ in range(2))
    await settle()
    first.cancel()
    readings.go.release()
    assert await second == "a 1"
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_a_failure_reaches_all_who_share_it_and_nobody_after() -> None:
    readings = Readings()
    shared = SharedReading(readings.read)
    asked = [asyncio.create_task(shared.get("broken")) for _ in range(2)]
    await settle()
    readings.go.release()
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(each) for each in found] == [ValueError, ValueError]
    again = asyncio.create_task(shared.get("broken"))
    await settle()
    assert len(readings.begun) == 2
    readings.go.release()
    with pytest.raises(ValueError, match="broken"):
        await again
