"""Publishing: once for each key, to every subscription, with the caller's transaction or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from queue_clock import Clock
from rookery_core import sql
from rookery_core.database import Database
from rookery_core.errors import InvalidInput, NotFound
from rookery_core.identity import Caller
from rookery_core.queue import Message, Queue
from rookery_core.queue.model import encode_json
from rookery_core.queue.notify import Notification, format_notification


async def test_every_subscription_of_a_topic_gets_its_own_copy(queue: Queue) -> None:
    await queue.subscribe("slack", "bot")
    await queue.subscribe("slack", "ingest")
    await queue.subscribe("other", "else")
    answer = await queue.enqueue("slack", {"n": 1}, trace_id="abc")
    events = await queue.claim(["bot", "ingest", "else"], 10)
    assert sorted(event.id for event in events) == sorted(answer.ids)
    assert {event.subscription for event in events} == {"bot", "ingest"}
    assert all(event.payload == {"n": 1} and event.trace_id == "abc" for event in events)


async def test_a_key_stays_spent_after_its_event_is_done(queue: Queue) -> None:
    await queue.subscribe("slack", "bot")
    first = await queue.enqueue("slack", {}, key="Ev1")
    [event] = await queue.claim(["bot"])
    await queue.complete(event)
    again = await queue.enqueue("slack", {"other": True}, key="Ev1")
    assert again.duplicate
    assert again.ids == first.ids
    assert await queue.claim(["bot"]) == []


async def test_a_key_is_spent_on_its_topic_only(queue: Queue) -> None:
    await queue.subscribe("a", "one")
    await queue.subscribe("b", "two")
    await queue.enqueue("a", {}, key="same")
    assert not (await queue.enqueue("b", {}, key="same")).duplicate


async def test_a_key_twice_in_one_batch_is_published_once(queue: Queue) -> None:
    await queue.subscribe("t", "s")
    answers = await queue.enqueue_many(
        "t", [Message({"n": 1}, "k"), Message({"n": 2}), Message({"n": 3}, "k")]
    )
    assert [answer.duplicate for answer in answers] == [False, False, True]
    assert answers[2].ids == answers[0].ids
    assert [event.payload["n"] for event in await queue.claim(["s"], 9)] == [1, 2]


async def test_a_message_of_a_batch_may_have_a_trace_of_its_own(queue: Queue) -> None:
    await queue.subscribe("t", "s")
    await queue.enqueue_many(
        "t", [Message({"n": 1}, trace_id="b" * 32), Message({"n": 2})], trace_id="a" * 32
    )
    assert [event.trace_id for event in await queue.claim(["s"], 9)] == ["b" * 32, "a" * 32]


async def test_many_at_once_with_the_same_key_make_one_event(open_database: Any) -> None:
    queues = [Queue(await open_database("rookery_ingest")) for _ in range(4)]
    await queues[0].subscribe("t", "s")
    answers = await asyncio.gather(*(queues[n % 4].enqueue("t", {}, key="only") for n in range(40)))
    assert sum(not answer.duplicate for answer in answers) == 1
    assert len({answer.ids for answer in answers}) == 1


async def test_a_batch_whose_key_another_spends_at_the_same_moment_waits_and_leaves_it_out(
    queue: Queue, database: Database, until_one_waits: Callable[[], Awaitable[None]]
) -> None:
    await queue.subscribe("t", "s")
    batch = [Message({"n": n}, f"key {n}") for n in range(300)]
    async with database.acquire() as connection:
        transaction: Any = connection.transaction()
        await transaction.start()
        first = await queue.enqueue("t", {"n": "first"}, key="key 7", connection=connection)
        publishing = asyncio.create_task(queue.enqueue_many("t", batch))
        await until_one_waits()
        await transaction.commit()
    answers = await publishing
    assert [at for at, answer in enumerate(answers) if answer.duplicate] == [7]
    assert answers[7].ids == first.ids
    assert len(await queue.claim(["s"], 1000)) == 300


async def test_single_enqueues_of_concurrent_callers_keep_their_own_answers(live_queue: Queue) -> None:
    await live_queue.subscribe("t", "s")
    answers = await asyncio.gather(*(live_queue.enqueue("t", {"n": n}, key=f"k{n}") for n in range(300)))
    events: dict[int, int] = {}
    while batch := await live_queue.claim(["s"], 100):
        events |= {event.id: event.payload["n"] for event in batch}
    assert [events[answer.ids[0]] for answer in answers] == list(range(300))


async def test_one_that_cannot_be_stored_does_not_harm_the_others(live_queue: Queue) -> None:
    await live_queue.subscribe("t", "s")
    calls = [
        live_queue.enqueue("t", {"n": 1}),
        live_queue.enqueue("t", {"n": object()}),
        live_queue.enqueue("t", {}),
    ]
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert isinstance(results[1], InvalidInput)
    assert len(await live_queue.claim(["s"], 9)) == 2


async def test_with_a_connection_the_event_comes_and_goes_with_the_transaction(
    queue: Queue, database: Database
) -> None:
    await queue.subscribe("t", "s")
    with pytest.raises(RuntimeError):
        async with database.transaction(Caller()) as connection:
            await queue.enqueue("t", {}, key="k", connection=connection)
            raise RuntimeError
    assert await queue.claim(["s"]) == []
    async with database.transaction(Caller()) as connection:
        assert not (await queue.enqueue("t", {}, key="k", connection=connection)).duplicate
        assert await queue.claim(["s"]) == []
    assert len(await queue.claim(["s"])) == 1


async def test_a_topic_that_nobody_receives_is_refused_with_a_suggestion(queue: Queue) -> None:
    await queue.subscribe("slack", "bot")
    for key in (None, "k"):
        with pytest.raises(NotFound) as caught:
            await queue.enqueue("slakc", {}, key=key)
        assert caught.value.candidates == ("slack",)
    await queue.subscribe("slakc", "late")
    assert not (await queue.enqueue("slakc", {}, key="k")).duplicate, "a refused event spent its key"


async def test_a_subscription_keeps_its_topic_and_takes_new_settings(queue: Queue) -> None:
    await queue.subscribe("t", "s", max_attempts=2)
    assert (await queue.subscribe("t", "s", max_attempts=7, lease_s=5)).max_attempts == 7
    with pytest.raises(InvalidInput, match="another topic"):
        await queue.subscribe("u", "s")
    await queue.enqueue("t", {})
    assert not await queue.unsubscribe("s"), "its events would never be worked on"
    await queue.complete((await queue.claim(["s"]))[0])
    assert await queue.unsubscribe("s")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"priority": 6}, "priority"),
        ({"delay_s": -1}, "delay_s"),
        ({"key": ""}, "key"),
        ({"ordering_key": "x" * 1001}, "ordering_key"),
        ({"key": "nul\x00"}, "key"),
    ],
)
async def test_what_cannot_be_stored_is_named(queue: Queue, change: dict[str, Any], message: str) -> None:
    await queue.subscribe("t", "s")
    with pytest.raises(InvalidInput, match=message):
        await queue.enqueue("t", {}, **change)


async def test_a_delayed_event_waits_for_its_time(
    queue: Queue, clock: Clock, maintain: Callable[[], Awaitable[None]]
) -> None:
    await queue.subscribe("t", "s")
    await queue.enqueue("t", {}, delay_s=60)
    clock.advance(59)
    await maintain()
    assert await queue.claim(["s"]) == []
    clock.advance(1)
    await maintain()
    assert len(await queue.claim(["s"])) == 1


async def test_higher_priority_first_then_age(queue: Queue) -> None:
    await queue.subscribe("t", "s")
    for name, priority in (("a", 0), ("b", 0), ("c", 5), ("d", -5)):
        await queue.enqueue("t", {"name": name}, priority=priority)
    assert [event.payload["name"] for event in await queue.claim(["s"], 9)] == ["c", "a", "b", "d"]


async def test_who_only_publishes_can_read_no_payload(open_database: Any, queue: Queue) -> None:
    await queue.subscribe("t", "s")
    publisher = await open_database("rookery_docs")
    await Queue(publisher).enqueue("t", {"private": "words"}, key="k", ordering_key="lane")
    assert (await Queue(publisher).enqueue("t", {}, key="k")).duplicate
    async with publisher.acquire() as connection:
        for table in ("event", "history", "dead_letter", "effect"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.fetch(f"select * from queue.{table}")


@given(
    st.recursive(
        st.none() | st.booleans() | st.text() | st.integers(-9, 9),
        lambda s: st.lists(s) | st.dictionaries(st.text(), s),
    )
)
def test_whatever_is_json_becomes_json_that_postgresql_stores(value: Any) -> None:
    text = encode_json({"value": value})
    assert "\x00" not in text
    text.encode("utf-8")


async def test_strange_strings_come_back_as_they_went_in_but_for_nul(queue: Queue) -> None:
    await queue.subscribe("t", "s")
    strange = {"nul": "a\x00b", "lone": "\ud83d", "spelled": "\\u0000", "emoji": "🐧", "deep": [{"x\x00": 1}]}
    await queue.enqueue("t", strange)
    [event] = await queue.claim(["s"])
    assert event.payload == {
        "nul": "a\ufffdb", "lone": "\ufffd", "spelled": "\\u0000", "emoji": "🐧", "deep": [{"x\ufffd": 1}],
    }  # fmt: skip


@given(st.text(max_size=20), st.floats(0, 1e6), st.from_regex(r"[a-z][a-z.]{0,9}", fullmatch=True))
def test_a_notification_reads_back_as_it_was_written(team: str, delay_s: float, topic: str) -> None:
    notification = Notification.parse(format_notification(topic, team, delay_s))
    assert notification is not None
    assert (notification.topic, notification.team) == (topic, team)
    assert notification.delay_s == pytest.approx(delay_s, abs=0.001)


@pytest.mark.parametrize("text", ["", "a", "a b c d", "x y z", "\x00 1 2 3"])
def test_a_foreign_notification_is_ignored(text: str) -> None:
    notification = Notification.parse(text)
    assert notification is None or isinstance(notification.delay_s, float)


@pytest.mark.parametrize("what", ["payload", "request"])
async def test_what_is_too_large_is_refused_by_its_field(queue: Queue, what: str) -> None:
    await queue.subscribe("t", "s")
    large = {"blob": "x" * (16 * 1024 * 1024)}
    with pytest.raises(InvalidInput, match=rf"^{what} is 16,777,\d+ characters of JSON.*Store"):
        if what == "payload":
            await queue.enqueue("t", large)
        else:
            await queue.effects.intend("key", "post", large)
    assert (await queue.enqueue("t", {"blob": "x" * 1024 * 1024})).ids


async def test_large_messages_are_published_a_few_at_a_time(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rookery_core.queue.publish.MAX_BATCH_LENGTH", 100)
    await queue.subscribe("t", "s")
    messages = [Message({"n": n, "text": "x" * 30}, f"key {n % 6}") for n in range(10)]
    answers = await queue.enqueue_many("t", messages)
    assert [answer.duplicate for answer in answers] == [False] * 6 + [True] * 4
    assert [answer.ids for answer in answers[6:]] == [answer.ids for answer in answers[:4]]
    assert [event.payload["n"] for event in await queue.claim(["s"], 9)] == list(range(6))


def test_the_undisputed_statement_differs_only_in_its_conflict_clause() -> None:
    statements = sql.load("rookery_core.queue", "sql/publish.sql")
    lines, undisputed = (
        [line for line in statements[name].splitlines() if not line.startswith("--")]
        for name in ("enqueue_events", "enqueue_undisputed")
    )
    lines.remove("    on conflict (team, topic, key) do nothing")
    assert lines == undisputed
