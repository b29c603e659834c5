"""Parts of a question: a window of their own, the whole question's person, policy, links and costs."""

from __future__ import annotations

import asyncio

import pytest

from emulators.models.scripted import MakeAgent, use
from rookery.agent import Answer, Question
from rookery.agent.subagent import MOST_PARTS, NAME
from rookery.models.pricing import Price
from rookery.models.protocol import ModelOverloaded, ToolUse
from rookery_core.identity import Caller

pytestmark = pytest.mark.asyncio(loop_scope="module")
LINK = "https://acme.slack.example/archives/C1/p2"


def part(id: str = "p", task: str = "Find out what fixed the pool.", **more: str) -> ToolUse:
    return ToolUse(id, NAME, {"task": task, **more})


def states(answer: Answer) -> list[tuple[str, str]]:
    return [(call.tool, call.state) for call in answer.tool_calls]


async def test_a_part_has_its_own_window_and_its_links_are_sources_of_the_answer(
    make_agent: MakeAgent,
) -> None:
    report = f"[Release 7.3.1]({LINK}) fixed it; see [this](https://made-up.test/x)."
    agent, model = make_agent(
        [part()], [use("search_messages", query="pool")], report, f"It was [7.3.1]({LINK})."
    )
    answer = await agent.answer(Question(text="Everything about the secret outage?"))
    assert [citation.permalink for citation in answer.citations] == [LINK]
    assert states(answer) == [("search_messages", "ok"), (NAME, "ok")]
    whole, first, _, last = model.requests
    assert [spec.name for spec in whole.tools if spec.name == NAME]
    assert NAME not in [spec.name for spec in first.tools]
    assert {spec.name for spec in whole.tools} - {spec.name for spec in first.tools} == {NAME}
    assert first.system == whole.system
    assert "Find out what fixed the pool." in str(first.messages)
    assert "secret outage" not in str(first.messages)
    assert "<untrusted " in model.results[0]
    assert "made-up.test" not in model.results[0]
    assert "connection pool was exhausted" not in str(last.messages)


async def test_what_parts_use_counts_for_the_question(make_agent: MakeAgent) -> None:
    agent, _ = make_agent([part()], [use("search_messages", query="pool")], "report", "answer")
    agent.prices["scripted:model"] = Price(input=1.0, output=1.0)
    answer = await agent.answer(Question(text="x"))
    assert answer.usage.requests == 4
    assert answer.usage.total == 440
    assert answer.cost_usd == pytest.approx(440 / 1e6)


async def test_a_limit_on_tokens_or_money_holds_for_all_parts_together(make_agent: MakeAgent) -> None:
    agent, model = make_agent([part()], [use("search_messages", query="a")], max_run_tokens=330)
    answer = await agent.answer(Question(text="x"))
    assert answer.stop_reason == "limit"
    assert len(model.requests) == 3


async def test_a_part_that_never_ends_is_ended_and_the_question_goes_on(make_agent: MakeAgent) -> None:
    searching = [use("search_messages", query="a")]
    agent, model = make_agent([part(complexity="low")], searching, searching, "what I have", "the answer")
    answer = await agent.answer(Question(text="x"))
    assert answer.markdown == "the answer"
    assert len(model.requests) == 5
    assert "No more tool calls are possible" in str(model.requests[3].messages)


async def test_a_part_that_read_others_words_cannot_write_without_a_yes(make_agent: MakeAgent) -> None:
    agent, _ = make_agent(
        [part()], [use("search_messages", query="pool")], [use("post", text="x")], "report", "answer"
    )
    answer = await agent.answer(Question(text="x", caller=Caller(user="U1", kind="member")))
    assert [(action.tool, action.user) for action in answer.pending] == [("post", "U1")]
    assert ("post", "pending") in states(answer)


async def test_parts_run_side_by_side_and_there_are_so_many(make_agent: MakeAgent) -> None:
    several = [part(str(number)) for number in range(MOST_PARTS + 1)]
    agent, model = make_agent(several, *["report"] * MOST_PARTS, "answer")
    answer = await agent.answer(Question(text="x"))
    assert sorted(states(answer)) == [(NAME, "failed"), *[(NAME, "ok")] * MOST_PARTS]
    assert any(f"had its {MOST_PARTS} parts" in result for result in model.results)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [({}, "task is missing"), ({"task": "x", "complexity": "huge"}, "low, medium, high")],
)
async def test_wrong_arguments_are_told_to_the_model(
    make_agent: MakeAgent, arguments: dict[str, str], words: str
) -> None:
    agent, model = make_agent([ToolUse("1", NAME, arguments)], "answer")
    await agent.answer(Question(text="x"))
    assert words in model.results[0]


async def test_a_model_that_fails_in_a_part_fails_the_part_only(make_agent: MakeAgent) -> None:
    agent, model = make_agent([part()], ModelOverloaded("overloaded"), "answer")
    answer = await agent.answer(Question(text="x"))
    assert answer.markdown == "answer"
    assert "overloaded" in model.results[0]


async def test_time_that_is_up_for_the_question_is_up_for_its_parts(make_agent: MakeAgent) -> None:
    agent, model = make_agent([part()], "report")
    model.hang = asyncio.Event()
    answer = await agent.answer(Question(text="x"), deadline_s=0.2)
    assert answer.stop_reason == "deadline"


async def test_it_can_be_switched_off(make_agent: MakeAgent) -> None:
    agent, model = make_agent("answer", subagents=False)
    await agent.answer(Question(text="x"))
    assert NAME not in [spec.name for spec in model.requests[0].tools]
