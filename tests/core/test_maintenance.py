"""Periodic work: intervals, and a loop that survives its task."""

from __future__ import annotations

import asyncio

import pytest

from rookery_core.errors import ConfigurationError, Unavailable
from rookery_core.maintenance import Interval, run_periodically, wait_until_due


def test_an_interval_is_due_at_first_and_then_after_its_time() -> None:
    interval = Interval(1000.0)
    assert interval.take()
    assert not interval.is_due()
    assert 999 < interval.remaining_s <= 1000
    interval.bring_forward(2000.0)
    assert interval.remaining_s <= 1000
    interval.bring_forward(0.0)
    assert interval.take()
    assert not interval.take()


async def test_waiting_ends_when_woken() -> None:
    wake = asyncio.Event()
    waiting = asyncio.create_task(wait_until_due(wake, Interval(1000.0, first_in_s=1000.0)))
    await asyncio.sleep(0)
    wake.set()
    await waiting
    assert not wake.is_set()


async def test_the_loop_continues_after_our_errors_and_ends_with_a_fatal_one(
    caplog: pytest.LogCaptureFixture,
) -> None:
    wake = asyncio.Event()
    errors = [Unavailable("The other side is down."), None, ConfigurationError("The token is wrong.")]
    runs = 0

    async def task() -> None:
        nonlocal runs
        error = errors[runs]
        runs += 1
        wake.set()
        if error is not None:
            raise error

    with pytest.raises(ConfigurationError, match="token"):
        await run_periodically(task, 1000.0, wake=wake, fatal=(ConfigurationError,))
    assert runs == 3
    assert [record.getMessage() for record in caplog.records] == ["The other side is down."]
