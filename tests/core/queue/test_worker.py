"""A worker on the database's own clock: verdicts, order, wake-ups, draining, signals."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from rookery_core.errors import NotFound, Unavailable
from rookery_core.queue import (
    Attempt,
    Backoff,
    Event,
    EventCancelled,
    LeaseLost,
    Message,
    PermanentFailure,
    Queue,
    RetryLater,
    Worker,
)
from rookery_core.queue.worker.heartbeat import poll_delay_s
from rookery_core.settings import CoreSettings

QUICK = Backoff(0.01, 0.05)


async def until(condition: Callable[[], Any], seconds: float = 10.0) -> None:
    """Waits for something that a handler or a statement brings about."""
    async with asyncio.timeout(seconds):
        while True:
            answer = condition()
            if await answer if asyncio.iscoroutine(answer) else answer:
                return
            await asyncio.sleep(0.01)


async def empty(queue: Queue) -> bool:
    return not await queue.list(limit=1)


async def leased_are(queue: Queue, number: int) -> bool:
    return len(await queue.list("leased", limit=100)) == number


async def test_every_event_is_handled_and_a_lane_in_order(live_queue: Queue) -> None:
    await live_queue.subscribe("t", "s")
    seen: list[tuple[str | None, int]] = []

    async def handle(event: Event, attempt: Attempt) -> None:
        await asyncio.sleep(0.001 * (event.payload["n"] % 3))
        seen.append((event.ordering_key, event.payload["n"]))

    messages = [Message({"n": n}, ordering_key=f"lane {n % 7}" if n % 3 else None) for n in range(300)]
    await live_queue.enqueue_many("t", messages)
    async with Worker(live_queue, {"s": handle}, concurrency=8):
        await until(lambda: len(seen) >= 300)
        await until(lambda: empty(live_queue))
    assert sorted(n for _, n in seen) == list(range(300))
    for lane in {lane for lane, _ in seen if lane}:
        numbers = [n for other, n in seen if other == lane]
        assert numbers == sorted(numbers)


async def test_only_what_nobody_foresaw_leaves_a_traceback_in_the_log(
    live_queue: Queue, caplog: pytest.LogCaptureFixture
) -> None:
    await live_queue.subscribe("t", "s", max_attempts=1)
    errors: dict[str, Exception] = {"outage": Unavailable("The model is down."), "slip": KeyError("user")}

    async def handle(event: Event, attempt: Attempt) -> None:
        raise errors[event.payload["what"]]

    for what in errors:
        await live_queue.enqueue("t", {"what": what})
    async with Worker(live_queue, {"s": handle}):
        await until(lambda: empty(live_queue))
    told = {record.getMessage().rpartition(": ")[2]: record for record in caplog.records if record.args}
    assert not told["The model is down."].exc_info
    assert told["'user'"].exc_info


async def test_a_server_that_accepts_no_writes_is_one_line_in_the_log(
    live_queue: Queue, owner_connection: asyncpg.Connection[Any], caplog: pytest.LogCaptureFixture
) -> None:
    await live_queue.subscribe("t", "s")
    await live_queue.enqueue("t", {})
    name = await owner_connection.fetchval("select current_database()")
    await owner_connection.execute(f'alter database "{name}" set default_transaction_read_only = on')
    handled = asyncio.Event()

    async def handle(event: Event, attempt: Attempt) -> None:
        handled.set()

    worker = Worker(live_queue, {"s": handle})
    starting = asyncio.create_task(worker.start())
    await until(lambda: sum("accepts no writes" in message for message in caplog.messages) >= 2)
    assert not [record for record in caplog.records if record.exc_info or "\n" in record.getMessage()]
    await owner_connection.execute(f'alter database "{name}" reset default_transaction_read_only')
    await asyncio.wait_for(handled.wait(), 10)  # its next connection may write
    await starting
    await worker.drain()


async def test_each_failure_gets_its_verdict(live_queue: Queue) -> None:
    await live_queue.subscribe("t", "s", max_attempts=3, backoff=QUICK)
    attempts: list[tuple[str, int, bool]] = []

    async def handle(event: Event, attempt: Attempt) -> None:
        what = event.payload["what"]
        attempts.append((what, attempt.number, attempt.last))
        if what == "permanent":
            raise PermanentFailure("the channel is gone")
        if what == "later" and attempt.number == 1:
            raise RetryLater(0.01)
        if what == "broken":
            raise ValueError("bad \x00 value")

    for what in ("permanent", "later", "broken", "fine"):
        await live_queue.enqueue("t", {"what": what})
    async with Worker(live_queue, {"s": handle}, poll_s=0.05):
        await until(lambda: empty(live_queue))
    dead = {row["payload"]["what"]: row for row in await live_queue.list("dead")}
    assert {what: row["reason"] for what, row in dead.items()} == {
        "permanent": "failed",
        "broken": "exhausted",
    }
    assert dead["permanent"]["errors"][-1]["error"] == "the channel is gone"
    assert dead["broken"]["errors"][-1]["error"].startswith("ValueError: bad")
    assert [a for a in attempts if a[0] == "broken"] == [("broken", n, n == 3) for n in (1, 2, 3)]
    assert [a for a in attempts if a[0] == "later"] == [("later", 1, False), ("later", 2, False)]


async def test_an_effect_in_this_database_and_the_completion_are_one(
    live_queue: Queue, owner_connection: asyncpg.Connection[Any]
) -> None:
    await owner_connection.execute(
        "create table public.done (n int); grant all on public.done to rookery_agent"
    )
    await live_queue.subscribe("t", "s", backoff=QUICK)

    async def handle(event: Event, attempt: Attempt) -> None:
        async with attempt.transaction() as connection:
            await connection.execute("insert into public.done values ($1)", event.payload["n"])
            if attempt.number == 1 and event.payload["n"] % 2:
                raise RuntimeError("after the effect, before the commit")

    await live_queue.enqueue_many("t", [Message({"n": n}) for n in range(20)])
    async with Worker(live_queue, {"s": handle}, poll_s=0.05):
        await until(lambda: empty(live_queue))
    rows = await owner_connection.fetch("select n from public.done order by n")
    assert [row["n"] for row in rows] == list(range(20))


async def test_a_transaction_of_a_zombie_is_rolled_back(
    live_queue: Queue, owner_connection: asyncpg.Connection[Any]
) -> None:
    await owner_connection.execute(
        "create table public.done (n int); grant all on public.done to rookery_agent"
    )
    await live_queue.subscribe("t", "s")
    await live_queue.enqueue("t", {})
    [event] = await live_queue.claim(["s"])
    await owner_connection.execute("update queue.event set token = 1")
    with pytest.raises(LeaseLost):
        async with Attempt(live_queue, event).transaction() as connection:
            await connection.execute("insert into public.done values (1)")
    assert await owner_connection.fetchval("select count(*) from public.done") == 0


async def test_effects_are_committed_with_the_completions_and_never_twice(live_queue: Queue) -> None:
    await live_queue.subscribe("t", "s", backoff=QUICK, max_attempts=2)

    async def handle(event: Event, attempt: Attempt) -> None:
        if event.payload["n"] == 7:
            await attempt.intend("answer")
        await attempt.finish("answer", {"n": event.payload["n"]})

    await live_queue.enqueue_many(
        "t", [Message({"n": n}, ordering_key="x" if n % 3 else None) for n in range(60)]
    )
    async with Worker(live_queue, {"s": handle}, poll_s=0.05):
        await until(lambda: empty(live_queue))
    done = await live_queue.list("done", limit=100)
    assert sorted(row["payload"]["n"] for row in done) == [n for n in range(60) if n != 7]
    for row in done:
        [effect] = await live_queue.effects.of(f"event:{row['id']}")
        assert effect["receipt"] == {"n": row["payload"]["n"]}
    [dead] = await live_queue.list("dead")
    assert dead["errors"][-1]["error"].startswith("Conflict")


async def test_a_hint_wakes_a_worker_long_before_its_poll(live_queue: Queue) -> None:
    await live_queue.subscribe("t", "s")
    woken = asyncio.Event()

    async def handle(event: Event, attempt: Attempt) -> None:
        woken.set()

    async with Worker(live_queue, {"s": handle}, poll_s=60):
        begun = time.monotonic()
        await live_queue.enqueue("t", {})
        await asyncio.wait_for(woken.wait(), 5)
        assert time.monotonic() - begun < 5
        woken.clear()
        await live_queue.enqueue("t", {}, delay_s=0.05)
        await asyncio.wait_for(woken.wait(), 5)


@pytest.mark.parametrize("number", [1, 2, 16, 100])
@pytest.mark.parametrize("lot", [0, 7, 65_535])
def test_of_workers_that_a_hint_wakes_one_looks_at_once_and_the_others_in_their_turn(
    number: int, lot: int
) -> None:
    waits = sorted(poll_delay_s(lot, rank, number) for rank in range(number))
    assert waits[0] == 0
    assert all(0.003 < wait <= 0.02 for wait in waits[1:])
    assert len(set(waits)) == number


async def test_a_worker_outlives_its_connections(
    live_queue: Queue, owner_connection: asyncpg.Connection[Any]
) -> None:
    await live_queue.subscribe("t", "s", backoff=QUICK)
    seen: list[int] = []

    async def handle(event: Event, attempt: Attempt) -> None:
        seen.append(event.payload["n"])

    async with Worker(live_queue, {"s": handle}, poll_s=60):
        for n in range(3):
            await live_queue.enqueue("t", {"n": n})
            await until(lambda n=n: n in seen)  # type: ignore[misc]
            await owner_connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = current_database() and pid <> pg_backend_pid()"
            )
        await live_queue.enqueue("t", {"n": 3})
        await until(lambda: 3 in seen)


async def test_what_was_not_begun_goes_back_when_a_worker_drains(live_queue: Queue) -> None:
    await live_queue.subscribe("t", "s")
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def handle(event: Event, attempt: Attempt) -> None:
        begun.set()
        await go_on.wait()

    await live_queue.enqueue_many("t", [Message({"n": n}, ordering_key="lane") for n in range(3)])
    worker = Worker(live_queue, {"s": handle}, concurrency=1)
    await worker.start()
    await begun.wait()
    draining = asyncio.create_task(worker.drain())
    go_on.set()
    await draining
    assert len(await live_queue.list("done")) == 1
    assert [(row["state"], row["attempts"]) for row in await live_queue.list()] == [
        ("ready", 0),
        ("blocked", 0),
    ]
    assert (await live_queue.stats())["workers"] == []


async def test_after_the_grace_what_runs_is_cancelled_and_given_back(live_queue: Queue) -> None:
    await live_queue.subscribe("t", "s")
    begun, ended = asyncio.Event(), asyncio.Event()

    async def handle(event: Event, attempt: Attempt) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    await live_queue.enqueue("t", {})
    async with Worker(live_queue, {"s": handle}, grace_s=0.05):
        await begun.wait()
    assert ended.is_set()
    [row] = await live_queue.list()
    assert (row["state"], row["attempts"]) == ("ready", 0), "a stop is nobody's failure"


async def test_a_forced_stop_does_not_wait_for_the_grace(live_queue: Queue) -> None:
    await live_queue.subscribe("t", "s")
    begun = asyncio.Event()

    async def handle(event: Event, attempt: Attempt) -> None:
        begun.set()
        await asyncio.Event().wait()

    await live_queue.enqueue("t", {})
    worker = Worker(live_queue, {"s": handle}, grace_s=3600)
    await worker.start()
    await begun.wait()
    draining = asyncio.create_task(worker.drain())
    await asyncio.sleep(0)
    worker.force_stop()
    async with asyncio.timeout(10):
        await draining
    [row] = await live_queue.list()
    assert (row["state"], row["attempts"]) == ("ready", 0)


async def test_a_running_event_is_cancelled_and_so_is_one_that_was_lost(
    live_queue: Queue, owner_connection: asyncpg.Connection[Any]
) -> None:
    await live_queue.subscribe("t", "s", lease_s=0.3)
    running: dict[int, asyncio.Event] = {}
    stopped: list[int] = []

    async def handle(event: Event, attempt: Attempt) -> None:
        running.setdefault(event.id, asyncio.Event()).set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            stopped.append(event.id)
            with pytest.raises((EventCancelled, LeaseLost)):
                attempt.check()
            raise

    first = (await live_queue.enqueue("t", {})).ids[0]
    second = (await live_queue.enqueue("t", {})).ids[0]
    async with Worker(live_queue, {"s": handle}, grace_s=0.1):
        await until(lambda: len(running) == 2)
        await live_queue.cancel([first])
        await owner_connection.execute("delete from queue.event where id = $1", second)
        await until(lambda: sorted(stopped) == [first, second])
        await until(lambda: empty(live_queue))
    assert [row["id"] for row in await live_queue.list("cancelled")] == [first]


@pytest.mark.parametrize("inside", [False, True])
async def test_a_heartbeat_at_the_moment_of_its_end_costs_no_event_its_completion(
    live_queue: Queue,
    owner_connection: asyncpg.Connection[Any],
    owner_dsn: str,
    until_one_waits: Callable[[], Awaitable[None]],
    inside: bool,
) -> None:
    """inside: it is completed by its handler's own transaction."""
    await live_queue.subscribe("t", "s")
    begun, go = asyncio.Event(), asyncio.Event()
    handled: list[int] = []

    async def handle(event: Event, attempt: Attempt) -> None:
        handled.append(event.id)
        begun.set()
        await go.wait()
        if inside:
            async with attempt.transaction():
                pass

    event_id = (await live_queue.enqueue("t", {})).ids[0]
    beating = await asyncpg.connect(owner_dsn)
    try:
        async with Worker(live_queue, {"s": handle}):
            await begun.wait()
            async with beating.transaction():
                await beating.execute("update queue.event set lease_until = lease_until + interval '1 s'")
                go.set()
                await until_one_waits()
            await until(lambda: empty(live_queue))
    finally:
        await beating.close()
    assert [row["id"] for row in await live_queue.list("done")] == [event_id]
    assert handled == [event_id]


async def test_an_attempt_may_take_only_so_long(live_queue: Queue) -> None:
    await live_queue.subscribe("t", "s", max_attempts=1)

    async def handle(event: Event, attempt: Attempt) -> None:
        await asyncio.Event().wait()

    await live_queue.enqueue("t", {})
    async with Worker(live_queue, {"s": handle}, timeout_s=0.05):
        await until(lambda: empty(live_queue))
    assert (await live_queue.list("dead"))[0]["errors"][0]["error"].startswith("TimeoutError")


async def test_a_limited_subscription_never_runs_more_at_once(live_queue: Queue) -> None:
    await live_queue.subscribe("t", "s", concurrency=2)
    running = most = done = 0

    async def handle(event: Event, attempt: Attempt) -> None:
        nonlocal running, most, done
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.005)
        running -= 1
        done += 1

    await live_queue.enqueue_many("t", [Message({}) for _ in range(30)])
    async with Worker(live_queue, {"s": handle}), Worker(live_queue, {"s": handle}):
        await until(lambda: done == 30, 20)
    assert most == 2


async def test_workers_register_and_sign_off(live_queue: Queue) -> None:
    await live_queue.subscribe("t", "s")

    async def handle(event: Event, attempt: Attempt) -> None: ...

    async with Worker(live_queue, {"s": handle}, concurrency=3, name="here") as worker:
        [row] = (await live_queue.stats())["workers"]
        assert (row["id"], row["state"], row["concurrency"]) == (worker.id, "running", 3)
    assert (await live_queue.stats())["workers"] == []


async def test_a_worker_needs_its_subscription(live_queue: Queue) -> None:
    async def handle(event: Event, attempt: Attempt) -> None: ...

    with pytest.raises(NotFound, match="nobody"):
        await Worker(live_queue, {"nobody": handle}).start()


@pytest.mark.slow
async def test_sigterm_drains(
    live_queue: Queue, settings: CoreSettings, owner_connection: asyncpg.Connection[Any], owner_dsn: str
) -> None:
    await owner_connection.execute(
        "create table public.inside (seq bigint generated always as identity, number bigint, lane text);"
        "grant all on public.inside to rookery_agent"
    )
    for name in ("inside", "outside"):
        await live_queue.subscribe(name, name)
    await live_queue.enqueue_many("inside", [Message({"number": n}) for n in range(200)])
    assert settings.database_url is not None
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(Path(__file__).with_name("chaos_worker.py")), settings.database_url.get_secret_value(), owner_dsn
    )  # fmt: skip
    await until(lambda: owner_connection.fetchval("select count(*) > 5 from public.inside"), 20)
    process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(process.wait(), 20) == 0
    assert await live_queue.list("leased") == []
    done, inside = (
        len(await live_queue.list("done", limit=1000)),
        await owner_connection.fetchval("select count(*) from public.inside"),
    )
    assert done == inside


async def test_what_had_an_attempt_never_waits_in_a_buffer(live_queue: Queue) -> None:
    await live_queue.subscribe("t", "s", max_attempts=3, backoff=Backoff(0, 0))
    await live_queue.enqueue_many("t", [Message({"n": n}) for n in range(400)])
    most = 0

    async def handle(event: Event, attempt: Attempt) -> None:
        nonlocal most
        if attempt.number == 1:
            raise RetryLater(0)
        second = [claimed for claimed in worker.claimed if claimed.event.attempt > 1]
        most = max(most, len(second))
        await asyncio.sleep(0)

    worker = Worker(live_queue, {"s": handle}, concurrency=4, poll_s=60)
    async with worker:
        await until(lambda: empty(live_queue))
    assert len(await live_queue.list("done", limit=1000)) == 400
    assert most <= 4


async def test_a_buffer_that_stands_still_is_given_back(live_queue: Queue) -> None:
    await live_queue.subscribe("t", "s")
    go_on = asyncio.Event()

    async def handle(event: Event, attempt: Attempt) -> None:
        if event.payload["slow"]:
            await go_on.wait()

    await live_queue.enqueue_many("t", [Message({"slow": n >= 500}) for n in range(560)])
    worker = Worker(live_queue, {"s": handle}, concurrency=2, poll_s=0.2)
    async with worker:
        await until(lambda: worker.in_flight > 2)
        await until(lambda: worker.completed >= 500)
        await until(lambda: leased_are(live_queue, 2))
        assert {row["attempts"] for row in await live_queue.list("ready", limit=100)} == {0}
        go_on.set()
        await until(lambda: empty(live_queue))
