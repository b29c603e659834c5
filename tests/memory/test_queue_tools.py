"""The queue as tools: who may use them, and what they answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from rookery_core.database.lazy_database import LazyDatabase
from rookery_core.errors import InvalidInput, NotAllowed, NotFound
from rookery_core.identity import Caller, acting_as
from rookery_core.queue import LeaseLost, Queue
from rookery_core.settings import CoreSettings
from rookery_memory.commands import run_command
from rookery_memory.tools.queue import QueueTools

if TYPE_CHECKING:
    from rookery_core.database import Database

OPERATOR = Caller(scopes=frozenset({"queue"}))


@pytest_asyncio.fixture
async def gate(settings: CoreSettings, open_database: Any) -> AsyncIterator[LazyDatabase]:
    database: Database = await open_database("rookery_ingest")
    await Queue(database).subscribe("jobs", "worker", max_attempts=2, lease_s=20)
    gate = LazyDatabase(settings, role="rookery_memory", application_name="tests")
    gate.start()
    await gate.database(30)
    yield gate
    await gate.close()


@pytest.fixture
def tools(gate: LazyDatabase) -> QueueTools:
    return QueueTools(gate)


async def test_the_queue_is_closed_to_who_has_no_scope_for_it(gate: LazyDatabase) -> None:
    for caller in (
        Caller(),
        Caller(user="U1", kind="member"),
        Caller(user="U1", kind="outsider", channel="C1"),
    ):
        with acting_as(caller):
            for call in (QueueTools(gate).queue_stats(), QueueTools(gate).list_events()):
                with pytest.raises(NotAllowed):
                    await call
            await QueueTools(gate, trusted=True).queue_stats()
    with acting_as(Caller(kind="agent")):
        await QueueTools(gate).queue_stats()


async def test_publish_look_and_publish_again(tools: QueueTools) -> None:
    with acting_as(OPERATOR):
        first = await tools.enqueue_event("jobs", {"text": "words " * 500}, key="k", priority=2)
        assert (await tools.enqueue_event("jobs", {}, key="k")).model_dump() == {
            "event_ids": first.event_ids, "duplicate": True,
        }  # fmt: skip
        for n in range(3):
            await tools.enqueue_event("jobs", {"n": n}, key=f"k{n}")
        page = await tools.list_events(limit=2, max_tokens=300)
        assert page.events[0].payload_cut
        rest = await tools.list_events(limit=2, after=page.next_after or 0)
        assert [event.payload for event in rest.events] == ['{"n": 1}', '{"n": 2}']
        [figures] = (await tools.queue_stats()).subscriptions
        assert (figures.subscription, figures.ready) == ("worker", 4)
        with pytest.raises(NotFound):
            await tools.enqueue_event("nobody", {}, key="x")


@pytest.mark.parametrize("trusted", [False, True])
async def test_topics_of_our_own_programs_are_closed(gate: LazyDatabase, *, trusted: bool) -> None:
    """Who could publish a Slack event could ask the bot in anybody's name; who could read one, a private channel."""
    queue = Queue(await gate.database(30))
    await queue.subscribe("slack", "bot", internal=True)
    await queue.subscribe("slack", "archive")
    ids = (await queue.enqueue("slack", {"text": "salaries"}, key="E1", ordering_key="C0PRIVATE:1.2")).ids
    tools = QueueTools(gate, trusted=trusted)
    with acting_as(OPERATOR):
        with pytest.raises(NotAllowed, match="'slack': it is internal"):
            await tools.enqueue_event("slack", {"text": "a lie"}, key="E2")
        for subscription in ("bot", "archive"):
            with pytest.raises(NotAllowed, match="subscription"):
                await tools.claim_events(subscription)
        page = await tools.list_events()
        assert [event.id for event in page.events] == sorted(ids)
        assert "salaries" not in page.model_dump_json()
        assert "PRIVATE" not in page.model_dump_json()
        await tools.enqueue_event("jobs", {}, key="open")


async def test_claim_extend_fail_retry_complete(tools: QueueTools) -> None:
    with acting_as(OPERATOR):
        await tools.enqueue_event("jobs", {"n": 1}, key="k")
        claims = await tools.claim_events("worker", 5)
        [event] = claims.events
        assert (event.attempt, claims.lease_s) == (1, 20)
        assert not (await tools.extend_claim(event.id, event.token)).cancel_requested
        with pytest.raises(LeaseLost):
            await tools.complete_event(event.id, "123")
        assert (await tools.fail_event(event.id, event.token, "no", permanent=True)).outcome == "dead"
        with pytest.raises(LeaseLost):
            await tools.complete_event(event.id, event.token)
        [dead] = (await tools.list_events("dead")).events
        assert dead.last_error == "no"
        assert (await tools.retry_event(event.id)).retried
        [again] = (await tools.claim_events("worker")).events
        assert (again.id, again.attempt) == (event.id, 1)
        assert (await tools.complete_event(again.id, again.token)).outcome == "done"
        with pytest.raises(InvalidInput, match="done"):
            await tools.retry_event(event.id)
        with pytest.raises(NotFound) as caught:
            await tools.claim_events("workers")
        assert caught.value.candidates == ("worker",)


async def test_a_topic_is_subscribed_with_the_memory_server_alone(tools: QueueTools) -> None:
    with acting_as(OPERATOR):
        with pytest.raises(NotFound) as missing:
            await tools.enqueue_event("reports", {"n": 1}, key="k1")
        assert "rookery-memory subscribe" in str(missing.value.hint)
        assert (await tools.subscribe_topic("reports", "me")).created
        assert not (await tools.subscribe_topic("reports", "me")).created
        with pytest.raises(InvalidInput):
            await tools.subscribe_topic("jobs", "me")
        published = await tools.enqueue_event("reports", {"n": 1}, key="k1")
        [claimed] = (await tools.claim_events("me")).events
        assert [claimed.id] == published.event_ids
        await tools.complete_event(claimed.id, claimed.token)


async def test_an_internal_topic_is_not_subscribed(gate: LazyDatabase) -> None:
    queue = Queue(await gate.database(30))
    await queue.subscribe("inside", "ours", internal=True)
    with acting_as(OPERATOR), pytest.raises(NotAllowed):
        await QueueTools(gate, trusted=True).subscribe_topic("inside", "spy")


def test_the_command_subscribes_a_topic(
    settings: CoreSettings,
    gate: LazyDatabase,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert settings.database_url is not None
    monkeypatch.setenv("DATABASE_URL", settings.database_url.get_secret_value())
    assert run_command(["subscribe", "reports", "me"]) == 0
    assert run_command(["subscribe", "reports", "me"]) == 0
    assert capsys.readouterr().out == "me receives reports.\nme receives reports already.\n"
