"""Leases, attempts, lanes, limits, expiry: each rule by itself, on a clock that the test moves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from queue_clock import Clock
from rookery_core.database import Database
from rookery_core.errors import NotFound
from rookery_core.queue import Backoff, Event, LeaseLost, Message, Queue

Maintain = Callable[[], Awaitable[None]]


async def one(queue: Queue, *names: str) -> Event:
    [event] = await queue.claim(names or ["s"], 1)
    return event


async def test_a_late_completion_of_a_zombie_is_refused(
    queue: Queue, clock: Clock, maintain: Maintain
) -> None:
    await queue.subscribe("t", "s", lease_s=30, backoff=Backoff(0, 0))
    await queue.enqueue("t", {})
    zombie = await one(queue)
    clock.advance(31)
    await maintain()
    successor = await one(queue)
    for late in (
        queue.complete(zombie),
        queue.fail(zombie, "late"),
        queue.extend(zombie),
        queue.release(zombie),
    ):
        with pytest.raises(LeaseLost):
            await late
    await queue.complete(successor)


async def test_a_zombie_that_waits_for_the_row_gives_nothing_back_of_its_successor(
    queue: Queue, database: Database, until_one_waits: Callable[[], Awaitable[None]]
) -> None:
    await queue.subscribe("t", "s")
    await queue.enqueue("t", {})
    zombie = await one(queue)
    async with database.acquire() as connection:
        transaction: Any = connection.transaction()
        await transaction.start()
        await queue.release(zombie, connection=connection)
        [successor] = await queue.claim(["s"], 1, worker="successor", connection=connection)
        late = asyncio.create_task(queue.release(zombie))
        await until_one_waits()
        await transaction.commit()
    with pytest.raises(LeaseLost):
        await late
    await queue.complete(successor)


async def test_a_lease_that_ran_out_unnoticed_may_still_be_completed(queue: Queue, clock: Clock) -> None:
    await queue.subscribe("t", "s", lease_s=30)
    await queue.enqueue("t", {})
    event = await one(queue)
    clock.advance(31)
    await queue.complete(event)
    assert (await queue.show(event.id))["outcome"] == "done"


async def test_a_clock_that_jumps_loses_no_event_and_runs_none_twice_at_once(
    queue: Queue, clock: Clock, maintain: Maintain
) -> None:
    await queue.subscribe("t", "s", lease_s=30, backoff=Backoff(0, 0), expires_after_s=86_400)
    await queue.enqueue_many("t", [Message({"n": n}, ordering_key="k") for n in range(3)])
    first = await one(queue)
    clock.advance(-3_600)
    await maintain()
    assert await queue.claim(["s"], 9) == [], "its lease is only longer"
    assert not await queue.extend(first)
    await queue.complete(first)
    second = await one(queue)
    clock.advance(7_200)
    await maintain()
    again = await one(queue)
    assert (again.id, again.attempt) == (second.id, 2)
    with pytest.raises(LeaseLost):
        await queue.complete(second)
    await queue.complete(again)
    clock.advance(-7_200)
    await queue.complete(await one(queue))
    assert [event["payload"]["n"] for event in await queue.list("done")] == [2, 1, 0]


async def test_a_crash_counts_as_an_attempt_and_the_last_one_buries(
    queue: Queue, clock: Clock, maintain: Maintain
) -> None:
    await queue.subscribe("t", "s", max_attempts=3, lease_s=10, backoff=Backoff(1, 1, 0))
    await queue.enqueue("t", {"poison": True})
    for attempt in (1, 2, 3):
        assert (await one(queue)).attempt == attempt
        clock.advance(11)
        await maintain()
        clock.advance(1)
        await maintain()
    [dead] = await queue.list("dead")
    assert dead["reason"] == "exhausted"
    assert len(dead["errors"]) == 3
    assert "client" in dead["errors"][0]["error"]


async def test_a_heartbeat_keeps_an_event(queue: Queue, clock: Clock, maintain: Maintain) -> None:
    await queue.subscribe("t", "s", lease_s=10)
    await queue.enqueue("t", {})
    event = await one(queue)
    for _ in range(5):
        clock.advance(8)
        assert not await queue.extend(event)
        await maintain()
    await queue.complete(event)


async def test_the_delay_doubles_up_to_its_cap_and_jitter_only_shortens_it(
    queue: Queue, clock: Clock
) -> None:
    await queue.subscribe("t", "s", max_attempts=9, backoff=Backoff(4, 20, 0.5))
    await queue.enqueue("t", {})
    for longest in (4, 8, 16, 20, 20):
        event = await one(queue)
        assert await queue.fail(event, "again")
        [row] = await queue.list("scheduled")
        wait = (row["run_at"] - clock.time).total_seconds()
        assert longest / 2 <= wait <= longest
        await queue.retry([event.id])


async def test_asking_to_wait_need_not_count(queue: Queue) -> None:
    await queue.subscribe("t", "s", max_attempts=1)
    await queue.enqueue("t", {})
    for _ in range(4):
        assert await queue.fail(await one(queue), "rate limited", delay_s=0, counts=False)
    assert (await one(queue)).attempt == 1


async def test_only_the_last_errors_are_kept(queue: Queue) -> None:
    await queue.subscribe("t", "s", max_attempts=20)
    await queue.enqueue("t", {})
    for n in range(8):
        await queue.fail(await one(queue), f"error {n}", delay_s=0)
    [row] = await queue.list()
    assert [error["error"] for error in row["errors"]] == [f"error {n}" for n in range(3, 8)]


async def test_a_retrying_head_holds_its_lane_and_no_other(queue: Queue) -> None:
    await queue.subscribe("t", "s")
    await queue.enqueue_many("t", [Message({"n": n}, ordering_key="a") for n in range(3)])
    await queue.enqueue("t", {"n": 9}, ordering_key="b")
    head, other = await queue.claim(["s"], 9)
    assert (head.payload["n"], other.payload["n"]) == (0, 9)
    await queue.fail(head, "later", delay_s=60)
    await queue.complete(other)
    assert await queue.claim(["s"], 9) == []
    await queue.retry([head.id])
    for n in range(3):
        event = await one(queue)
        assert event.payload["n"] == n
        await queue.complete(event)
    assert await queue.list() == []


async def test_a_lane_that_bars_on_a_dead_letter_opens_when_it_is_retried(queue: Queue) -> None:
    await queue.subscribe("t", "s", on_dead="block")
    await queue.enqueue_many("t", [Message({"n": n}, ordering_key="a") for n in range(2)])
    await queue.fail(await one(queue), "no", permanent=True)
    await queue.enqueue("t", {"n": 2}, ordering_key="a")
    assert await queue.claim(["s"], 9) == []
    [dead] = await queue.list("dead")
    await queue.retry([dead["id"]])
    for n in range(3):
        event = await one(queue)
        assert event.payload["n"] == n
        await queue.complete(event)


async def test_discarding_the_dead_letter_opens_its_lane_too(queue: Queue) -> None:
    await queue.subscribe("t", "s", on_dead="block")
    await queue.enqueue_many("t", [Message({"n": n}, ordering_key="a") for n in range(2)])
    await queue.fail(await one(queue), "no", permanent=True)
    assert await queue.purge("dead") == 1
    assert (await one(queue)).payload["n"] == 1


async def test_a_transaction_that_enqueues_into_a_lane_delays_only_that_lane(
    queue: Queue, database: Database
) -> None:
    await queue.subscribe("t", "s")
    await queue.enqueue("t", {}, ordering_key="a")
    event = await one(queue)
    async with database.acquire() as connection:
        transaction: Any = connection.transaction()
        await transaction.start()
        await queue.enqueue("t", {"n": 2}, ordering_key="a", connection=connection)
        completion = asyncio.create_task(queue.complete(event))
        await queue.enqueue("t", {"n": 3}, ordering_key="b")
        await queue.complete(await one(queue))
        assert not completion.done()
        await transaction.commit()
    await completion
    assert (await one(queue)).payload == {"n": 2}


async def test_a_limit_holds_over_all_who_claim(open_database: Any) -> None:
    queues = [Queue(await open_database("rookery_agent", max_connections=1)) for _ in range(4)]
    await queues[0].subscribe("t", "s", concurrency=3)
    await queues[0].enqueue_many("t", [Message({}) for _ in range(50)])
    for _ in range(5):
        claims = await asyncio.gather(*(queue.claim(["s"], 3) for queue in queues))
        held = [event for events in claims for event in events]
        assert len(held) <= 3
        if not held:
            held = await queues[0].claim(["s"], 9)
        assert 1 <= len(held) <= 3
        for event in held:
            await queues[0].complete(event)


async def test_as_many_of_one_key_as_its_limit_says(queue: Queue) -> None:
    await queue.subscribe("t", "s", key_concurrency=2)
    await queue.enqueue_many("t", [Message({"n": n}, ordering_key="a") for n in range(4)])
    first, second = await queue.claim(["s"], 9)
    await queue.complete(second)
    third = await one(queue)
    assert [event.payload["n"] for event in (first, second, third)] == [0, 1, 2]
    assert await queue.claim(["s"], 9) == []


async def test_an_event_expires_into_the_dead_letters_but_never_while_it_runs(
    queue: Queue, clock: Clock, maintain: Maintain
) -> None:
    await queue.subscribe("t", "s", expires_after_s=60, lease_s=600)
    running = await queue.enqueue("t", {"n": 1})
    event = await one(queue)
    waiting = await queue.enqueue("t", {"n": 2})
    clock.advance(61)
    assert await queue.claim(["s"]) == [], "an expired event is not begun"
    await maintain()
    [dead] = await queue.list("dead")
    assert (dead["id"], dead["reason"]) == (waiting.ids[0], "expired")
    assert await queue.list("done") == []
    await queue.complete(event)
    assert [row["id"] for row in await queue.list("done")] == list(running.ids)


async def test_cancelling_what_waits_and_what_runs(queue: Queue) -> None:
    await queue.subscribe("t", "s")
    running = (await queue.enqueue("t", {}, ordering_key="a")).ids
    waiting = (await queue.enqueue("t", {}, ordering_key="a")).ids
    event = await one(queue)
    assert await queue.cancel([*running, *waiting, 999]) == (list(waiting), list(running))
    assert await queue.extend(event), "its worker is told to stop"
    await queue.finish(event, "cancelled")
    assert {row["id"] for row in await queue.list("cancelled")} == {*running, *waiting}
    assert await queue.list() == []


async def test_nothing_is_claimed_of_a_paused_subscription(queue: Queue) -> None:
    await queue.subscribe("t", "s")
    await queue.enqueue("t", {})
    await queue.pause("s")
    assert await queue.claim(["s"]) == []
    await queue.resume("s")
    assert len(await queue.claim(["s"])) == 1
    with pytest.raises(NotFound):
        await queue.pause("nobody")


async def test_a_replay_gives_new_ids_and_never_replays_itself(queue: Queue, clock: Clock) -> None:
    await queue.subscribe("t", "s")
    await queue.enqueue_many("t", [Message({"n": n}, f"k{n}") for n in range(5)])
    done = await queue.claim(["s"], 9)
    for event in done:
        await queue.complete(event)
        clock.advance(1)
    assert await queue.replay(subscription="s", since=clock.time - timedelta(seconds=3)) == 3
    again = await queue.claim(["s"], 9)
    assert [event.payload["n"] for event in again] == [2, 3, 4]
    assert not {event.id for event in again} & {event.id for event in done}
    assert (await queue.show(again[0].id))["replay_of"] == done[2].id


async def test_history_is_pruned_after_its_retention(queue: Queue, clock: Clock) -> None:
    await queue.subscribe("t", "s")
    for n in range(2):
        await queue.enqueue("t", {"n": n}, key=f"k{n}")
        await queue.complete(await one(queue))
        clock.advance(100)
    assert await queue.purge("history", older_than_s=150) == 1
    assert [row["payload"]["n"] for row in await queue.list("done")] == [1]
    assert (await queue.enqueue("t", {}, key="k0")).duplicate, "a key outlives its history"


@pytest.mark.timescale
async def test_the_history_is_split_by_days_where_the_server_can(
    queue: Queue, clock: Clock, owner_connection: asyncpg.Connection[Any]
) -> None:
    await queue.subscribe("t", "s")
    for n in range(3):
        await queue.enqueue("t", {"n": n})
        await queue.complete(await one(queue))
        clock.advance(2 * 86_400)
    chunks = "select count(*) from timescaledb_information.chunks where hypertable_name = 'history'"
    assert await owner_connection.fetchval(chunks) == 3
    assert [row["payload"]["n"] for row in await queue.list("done")] == [2, 1, 0]
    assert await queue.replay(subscription="s") == 3
    assert await queue.purge("history", older_than_s=3 * 86_400) == 2


async def test_teams_see_nothing_of_each_other(database: Database) -> None:
    ours, theirs = Queue(database, team="ours"), Queue(database, team="theirs")
    for queue in (ours, theirs):
        await queue.subscribe("t", "s")
    await ours.enqueue("t", {}, key="k", ordering_key="lane")
    assert await theirs.claim(["s"], 9) == []
    assert not (await theirs.enqueue("t", {}, key="k")).duplicate
    assert len(await ours.claim(["s"], 9)) == 1


@pytest.mark.parametrize(
    "change",
    [
        "state = 'leased'",
        "token = 1",
        "state = 'scheduled'",
        "state = 'blocked'",
        "cancel_requested = true",
        "run_at = now()",
        "state = 'running'",
        "attempts = -1",
        "ordering_key = 'x'",
        "priority = 9",
    ],
)
async def test_the_database_refuses_a_state_that_makes_no_sense(
    queue: Queue, owner_connection: asyncpg.Connection[Any], change: str
) -> None:
    await queue.subscribe("t", "s")
    await queue.enqueue("t", {})
    with pytest.raises(asyncpg.CheckViolationError):
        await owner_connection.execute(f"update queue.event set {change}")


async def test_stats_and_lists_say_what_is_where(queue: Queue, clock: Clock) -> None:
    await queue.subscribe("t", "s")
    await queue.enqueue_many("t", [Message({"n": n}) for n in range(4)])
    await queue.enqueue("t", {}, delay_s=60)
    done, failing, _ = await queue.claim(["s"], 3)
    clock.advance(2)
    await queue.complete(done)
    await queue.fail(failing, "no", permanent=True)
    [row] = (await queue.stats())["subscriptions"]
    counts = {
        name: row[name] for name in ("ready", "scheduled", "leased", "blocked", "dead", "done_last_minute")
    }
    assert counts == {"ready": 1, "scheduled": 1, "leased": 1, "blocked": 0, "dead": 1, "done_last_minute": 1}
    assert row["mean_run_s"] == pytest.approx(2)
    assert [event["state"] for event in await queue.list()] == ["leased", "ready", "scheduled"]
    first = await queue.list(limit=1)
    assert [event["id"] for event in await queue.list(after=first[-1]["id"])] == [5 - 1, 5]
    assert (await queue.show(done.id))["found_in"] == "history"
    with pytest.raises(NotFound):
        await queue.show(10_000)
