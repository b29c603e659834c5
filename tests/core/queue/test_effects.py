"""The ledger: what was intended, what came of it, and nobody acts twice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from queue_clock import Clock
from rookery_core.errors import Conflict, NotFound
from rookery_core.queue import Attempt, Backoff, LeaseLost, Queue


async def test_an_intent_is_new_once_then_asks_then_is_done(queue: Queue) -> None:
    first = await queue.effects.intend("key", "post", {"text": "hi"})
    assert first.state == "new"
    again = await queue.effects.intend("key", "post", {"text": "other"})
    assert (again.state, again.request) == ("intended", {"text": "hi"})
    assert again.idempotency_key == first.idempotency_key
    done = await queue.effects.receipt(again, {"ts": "1.2"})
    assert (await queue.effects.receipt(first, {"ts": "9.9"})).receipt == {"ts": "1.2"}, (
        "the first receipt stays"
    )
    assert (await queue.effects.intend("key", "post")) == done
    assert (await queue.effects.intend("key", "react")).state == "new"


async def test_a_rebuilt_database_makes_other_idempotency_keys(
    live_queue: Queue, owner_connection: asyncpg.Connection[Any]
) -> None:
    first = await live_queue.effects.intend("event:25", "file")
    assert first.idempotency_key.endswith("/event:25/file")
    again = await live_queue.effects.receipt(await live_queue.effects.intend("event:25", "file"), {})
    assert again.idempotency_key == first.idempotency_key
    await owner_connection.execute("delete from queue.effect; delete from queue.installation")
    await owner_connection.execute("insert into queue.installation default values")  # as the migration does
    rebuilt = await live_queue.effects.intend("event:25", "file")
    assert rebuilt.state == "new"
    assert rebuilt.idempotency_key != first.idempotency_key


async def test_an_effect_intended_before_the_database_had_an_id_keeps_its_key(
    live_queue: Queue, owner_connection: asyncpg.Connection[Any]
) -> None:
    await live_queue.effects.intend("event:25", "file")
    await owner_connection.execute("update queue.effect set installation = null")
    assert (await live_queue.effects.intend("event:25", "file")).idempotency_key == "event:25/file"


async def test_a_receipt_of_nothing_is_a_receipt(queue: Queue) -> None:
    effect = await queue.effects.intend("key", "post")
    await queue.effects.receipt(effect, None)
    assert (await queue.effects.intend("key", "post")).state == "done"


async def test_an_intent_that_had_no_effect_can_be_withdrawn(queue: Queue) -> None:
    effect = await queue.effects.intend("key", "post")
    assert await queue.effects.withdraw(effect)
    assert (await queue.effects.intend("key", "post")).state == "new"
    await queue.effects.receipt(effect, 1)
    assert not await queue.effects.withdraw(effect)
    with pytest.raises(NotFound):
        await queue.effects.receipt(await _withdrawn(queue), 1)


async def test_an_effect_that_is_made_undone_may_happen_again(queue: Queue) -> None:
    await queue.effects.receipt(await queue.effects.intend("key", "post"), 1)
    assert await queue.effects.undo("key", "post")
    assert not await queue.effects.undo("key", "post")
    assert (await queue.effects.intend("key", "post")).state == "new"


async def _withdrawn(queue: Queue) -> Any:
    effect = await queue.effects.intend("other", "post")
    await queue.effects.withdraw(effect)
    return effect


async def test_only_one_of_many_is_told_to_act(live_queue: Queue) -> None:
    effects = await asyncio.gather(*(live_queue.effects.intend("key", "post") for _ in range(20)))
    assert [effect.state for effect in effects].count("new") == 1


async def test_a_zombie_begins_nothing_more(
    queue: Queue, clock: Clock, maintain: Callable[[], Awaitable[None]]
) -> None:
    await queue.subscribe("t", "s", lease_s=10, backoff=Backoff(0, 0))
    await queue.enqueue("t", {})
    [zombie] = await queue.claim(["s"])
    assert (await queue.effects.intend(zombie, "post")).state == "new"
    clock.advance(11)
    await maintain()
    [successor] = await queue.claim(["s"])
    with pytest.raises(LeaseLost):
        await queue.effects.intend(zombie, "react")
    assert (await queue.effects.intend(successor, "post")).state == "intended"


@pytest.mark.parametrize("lane", [None, "lane"])
async def test_an_effect_and_the_completion_in_one_commit(queue: Queue, lane: str | None) -> None:
    await queue.subscribe("t", "s")
    await queue.enqueue("t", {}, ordering_key=lane)
    [event] = await queue.claim(["s"])
    attempt = Attempt(queue, event)
    await attempt.finish("answer", {"ok": True})
    assert attempt.completed
    assert (await queue.show(event.id))["outcome"] == "done"
    [effect] = await queue.effects.of(event)
    assert (effect["name"], effect["receipt"]) == ("answer", {"ok": True})
    with pytest.raises((LeaseLost, Conflict)):
        await Attempt(queue, event).finish("answer", {"ok": True})


@pytest.mark.parametrize("lane", [None, "lane"])
async def test_the_same_effect_twice_is_a_conflict_and_completes_nothing(
    queue: Queue, lane: str | None
) -> None:
    await queue.subscribe("t", "s")
    await queue.enqueue("t", {}, ordering_key=lane)
    [event] = await queue.claim(["s"])
    await queue.effects.intend(event, "answer")
    with pytest.raises(Conflict):
        await queue.effects.finish(event, "answer", 1)
    assert [row["state"] for row in await queue.list()] == ["leased"]
