"""Schedules: the right times in their time zone, each once however many watch."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from queue_clock import Clock
from rookery_core.errors import InvalidInput, NotFound
from rookery_core.queue import Queue
from rookery_core.queue.schedules import next_time


async def test_a_schedule_publishes_at_its_times(queue: Queue, clock: Clock) -> None:
    await queue.subscribe("t", "s")
    clock.time = datetime(2026, 3, 2, 7, 30, tzinfo=UTC)
    assert await queue.schedules.set(
        "daily", "t", "0 9 * * *", {"n": 1}, time_zone="Europe/Vienna"
    ) == datetime(2026, 3, 2, 8, tzinfo=UTC)
    assert await queue.schedules.fire_due() == 0
    clock.advance(1800)
    assert await queue.schedules.fire_due() == 1
    assert await queue.schedules.fire_due() == 0
    [event] = await queue.claim(["s"], 9)
    assert event.payload == {"n": 1}
    [row] = await queue.schedules.list()
    assert row["next_at"] == datetime(2026, 3, 3, 8, tzinfo=UTC)


async def test_times_missed_are_made_up_for_once(queue: Queue, clock: Clock) -> None:
    await queue.subscribe("t", "s")
    await queue.schedules.set("often", "t", "*/5 * * * *", {})
    clock.advance(3600)
    assert await queue.schedules.fire_due() == 1
    assert await queue.schedules.fire_due() == 0


async def test_many_instances_fire_a_time_once(open_database: Any, queue: Queue, clock: Clock) -> None:
    await queue.subscribe("t", "s")
    await queue.schedules.set("often", "t", "* * * * *", {})
    queues = [Queue(await open_database("rookery_agent"), clock=clock) for _ in range(5)]
    for _ in range(3):
        clock.advance(60)
        assert sum(await asyncio.gather(*(other.schedules.fire_due() for other in queues))) == 1
    assert len(await queue.claim(["s"], 9)) == 3


async def test_one_that_cannot_be_published_keeps_no_other_from_its_time(
    queue: Queue, clock: Clock, owner_connection: asyncpg.Connection[Any]
) -> None:
    await queue.subscribe("t", "s")
    for name, topic in (("a", "nobody"), ("b", "t"), ("c", "t")):
        await queue.schedules.set(name, topic, "* * * * *", {"name": name})
    await owner_connection.execute("update queue.schedule set time_zone = 'Mars/Olympus' where name = 'b'")
    for _ in range(2):
        clock.advance(60)
        assert await queue.schedules.fire_due() == 1
    assert [event.payload["name"] for event in await queue.claim(["s"], 9)] == ["c", "c"]
    assert [row["next_at"] > clock() for row in await queue.schedules.list()] == [True, False, True]


async def test_a_paused_or_removed_schedule_is_silent(queue: Queue, clock: Clock) -> None:
    await queue.subscribe("t", "s")
    await queue.schedules.set("often", "t", "* * * * *", {})
    await queue.schedules.pause("often")
    clock.advance(60)
    assert await queue.schedules.fire_due() == 0
    await queue.schedules.pause("often", False)
    assert await queue.schedules.fire_due() == 1
    await queue.schedules.remove("often")
    with pytest.raises(NotFound):
        await queue.schedules.remove("often")


@pytest.mark.parametrize(
    ("cron", "zone"),
    [("nonsense", "UTC"), ("0 9 * * *", "Mars/Olympus"), ("0 0 31 2 *", "UTC"), ("0 9 * *", "UTC")],
)
async def test_what_is_no_schedule_is_refused(queue: Queue, cron: str, zone: str) -> None:
    with pytest.raises(InvalidInput):
        await queue.schedules.set("bad", "t", cron, {}, time_zone=zone)


def test_the_hour_that_clocks_skip_runs_after_it_and_the_one_that_comes_twice_runs_once() -> None:
    zone = "Europe/Vienna"
    spring = next_time("30 2 * * *", zone, datetime(2026, 3, 29, 0, 0, tzinfo=UTC))
    assert spring == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
    first = next_time("30 2 * * *", zone, datetime(2026, 10, 24, 22, 0, tzinfo=UTC))
    assert next_time("30 2 * * *", zone, first).astimezone(UTC).date() == datetime(2026, 10, 26).date()


@given(st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)))
def test_the_next_time_is_always_later(moment: datetime) -> None:
    assert next_time("*/7 3 * * 1-5", "America/New_York", moment) > moment
