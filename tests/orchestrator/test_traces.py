"""What runs leave behind in the database, and what limits make of it."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest_asyncio

from emulators.models.scripted import ScriptedModel, use
from rookery.agent import Agent, Question
from rookery.agent.recorder import Recorder
from rookery.models.pricing import Price
from rookery.models.protocol import ModelOverloaded
from rookery.settings import AgentSettings
from rookery.traces.report import story
from rookery.traces.store import ROLE, TraceStore
from rookery_core.database import Database
from rookery_core.errors import RateLimited
from rookery_core.identity import Caller
from rookery_core.mcp.configuration import NamedServer, ServerEntry
from rookery_core.mcp.pins import Pins
from rookery_core.mcp.server_group import ServerGroup
from rookery_core.settings import CoreSettings

import pytest  # isort: skip

pytestmark = pytest.mark.slow

SAMPLE = str(Path(__file__).with_name("sample_server.py"))
DAG = Caller(user="UDAG", kind="member", channel="C1")
OpenDatabase = Callable[..., Awaitable[Database]]


@pytest_asyncio.fixture
async def recorder(settings: CoreSettings) -> AsyncIterator[Recorder]:
    made = Recorder(_agent_settings(settings))
    yield made
    await made.close()


@pytest_asyncio.fixture
async def group() -> AsyncIterator[ServerGroup]:
    async with ServerGroup(
        [NamedServer("sample", ServerEntry(command=sys.executable, args=(SAMPLE,)))]
    ) as started:
        yield started


def _agent_settings(settings: CoreSettings, **more: Any) -> AgentSettings:
    return AgentSettings(database_url=settings.database_url, data_dir=settings.data_dir, **more)


async def test_a_run_is_written_down_with_all_its_calls(
    settings: CoreSettings, recorder: Recorder, group: ServerGroup, open_database: OpenDatabase
) -> None:
    model = ScriptedModel(
        [[use("search_messages", "1", query="pool")], [use("post", "2", text="a\x00b")], "Nothing."]
    )
    agent = Agent(
        _agent_settings(settings), group, model, recorder=recorder, prices={"scripted:model": Price(1, 2)}
    )
    answer = await agent.answer(Question(text="What\x00 now?", caller=DAG))
    database = await open_database(ROLE)
    found = await story(database, TraceStore(database, "default"), "default", answer.trace_id)
    run = found["run"]
    assert (run["asker"], run["channel"], run["stop_reason"], run["attempt"]) == ("UDAG", "C1", "answered", 1)
    assert run["question"] == "What\ufffd now?"
    assert run["cost_usd"] == pytest.approx(3 * (100 + 20) / 1e6)
    assert [call["stop"] for call in found["model_calls"]] == ["tool_use", "tool_use", "end"]
    assert [(call["tool"], call["state"]) for call in found["tool_calls"]] == [
        ("search_messages", "ok"),
        ("post", "pending"),
    ]
    assert found["tool_calls"][0]["arguments"] == {"query": "pool"}
    (action,) = found["actions"]
    assert (action["state"], action["tool"]) == ("waiting", "post")


async def test_an_action_is_taken_once_and_by_its_asker_only(
    settings: CoreSettings, recorder: Recorder, group: ServerGroup
) -> None:
    model = ScriptedModel(
        [[use("search_messages", "1", query="pool")], [use("post", "2", text="hi")], "Shall I?"]
    )
    agent = Agent(_agent_settings(settings), group, model, recorder=recorder)
    (action,) = (await agent.answer(Question(text="x", caller=DAG))).pending
    store = await recorder.store()
    assert await store.take_action(action.id, "UOTHER", "confirmed") is None
    assert await store.take_action(action.id, None, "confirmed") is None
    taken = await store.take_action(action.id, "UDAG", "confirmed")
    assert taken == action
    assert await store.take_action(action.id, "UDAG", "confirmed") is None
    await store.settle_action(action.id, done=True, result="posted")
    (told,) = (await store.calls(action.trace_id))[2]
    assert (told["state"], told["result"]) == ("done", "posted")


async def test_a_failed_run_says_why_and_counts_what_it_used(
    settings: CoreSettings, recorder: Recorder, group: ServerGroup
) -> None:
    model = ScriptedModel([[use("slow", seconds=0)], ModelOverloaded("The provider is busy.")])
    agent = Agent(_agent_settings(settings), group, model, recorder=recorder)
    with pytest.raises(ModelOverloaded):
        await agent.answer(Question(text="x", trace_id="a" * 32))
    store = await recorder.store()
    run = await store.run("a" * 32)
    assert run is not None
    assert "busy" in run["problem"]
    assert run["model_requests"] == 1
    model.requests.clear()
    model.turns = ["Better."]
    await agent.answer(Question(text="x", trace_id="a" * 32))
    again = await store.run("a" * 32)
    assert again is not None
    assert (again["attempt"], again["problem"], again["model_requests"]) == (2, None, 2)


async def test_the_days_money_is_limited_for_a_person_and_for_all(
    settings: CoreSettings, recorder: Recorder, group: ServerGroup
) -> None:
    def agent_with(**limits: float) -> Agent:
        read = _agent_settings(settings, **limits)
        limited = Recorder(read)
        limited._gate = recorder._gate  # pyright: ignore[reportPrivateUsage] one database for both
        return Agent(
            read, group, ScriptedModel(["ok"]), recorder=limited, prices={"scripted:model": Price(1e4, 0)}
        )

    agent = agent_with(max_user_day_usd=0.5)
    await agent.answer(Question(text="x", caller=DAG))
    with pytest.raises(RateLimited, match=r"\$0.50 per person"):
        await agent.answer(Question(text="x", caller=DAG))
    other = Caller(user="UOTHER", kind="member")
    await agent.answer(Question(text="x", caller=other))
    with pytest.raises(RateLimited, match=r"\$1.50 for everybody"):
        await agent_with(max_day_usd=1.5).answer(
            Question(text="x", caller=Caller(user="UNEW", kind="member"))
        )


async def test_runs_are_found_by_the_beginning_of_their_id(recorder: Recorder) -> None:
    store = await recorder.store()
    for trace in ("abc1", "abc2", "xyz%"):
        await store.begin_run(trace, "x", Caller())
    assert len(await store.by_prefix("abc")) == 2
    assert await store.by_prefix("%") == []
    assert len(await store.latest()) == 3


async def test_an_answer_does_not_need_the_database(settings: CoreSettings, group: ServerGroup) -> None:
    gone = AgentSettings.model_validate(
        {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/x", "ROOKERY_DATA_DIR": settings.data_dir}
    )
    recorder = Recorder(gone)
    agent = Agent(gone, group, ScriptedModel(["ok"]), recorder=recorder)
    assert (await agent.answer(Question(text="x"))).markdown == "ok"
    await recorder.close()


async def test_pins_outlive_the_process(
    settings: CoreSettings, recorder: Recorder, group: ServerGroup
) -> None:
    assert await Pins("enforce", recorder.store).refused(group.tools()) == {}
    store = await recorder.store()
    await store.pin("sample", "slow", "0" * 64, replace=True)
    refused = await Pins("enforce", recorder.store).refused(group.tools())
    assert list(refused) == ["sample_slow"]
    warned = Pins("warn", recorder.store)
    assert await warned.refused(group.tools()) == {}
    assert "'slow' has changed" in warned.suspicions[0]
