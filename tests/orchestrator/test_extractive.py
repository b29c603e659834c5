"""The answerer without a model: what it asks, what it quotes."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rookery.models.extractive import Extractive
from rookery.models.extractive.composer import compose
from rookery.models.extractive.days import days_in, periods_in
from rookery.models.extractive.queries import first_round
from rookery.models.extractive.ranking import best_part, rank
from rookery.models.extractive.words import content_words, words
from rookery.models.protocol import (
    ChatMessage,
    Listener,
    ModelReply,
    ModelRequest,
    Text,
    ToolDefinition,
    ToolResult,
)
from rookery_core.mcp.sources import Passage, passages

SCHEMA = {
    "type": "object",
    "properties": {"query": {"type": "string"}, "limit": {"type": "integer", "maximum": 5}},
}
TOOLS = [
    ToolDefinition("slack_search_messages", "", SCHEMA),
    ToolDefinition("docs_search_docs", "", SCHEMA),
    ToolDefinition("memory_recall", "", SCHEMA),
]


def passage(text: str, place: str, title: str = "", rank: int = 0) -> Passage:
    return Passage(text, f"https://docs.test/{place}", title, "docs", "search_docs", rank)


async def reply(question: str, *rounds: list[ToolResult]) -> ModelReply:
    messages = [ChatMessage("user", (Text(question),))]
    for results in rounds:
        messages += [ChatMessage("assistant", ()), ChatMessage("user", tuple(results))]

    async def heard(_: str) -> None:
        return

    async def restart() -> None:
        return

    request = ModelRequest(
        system="", messages=messages, tools=TOOLS, max_output_tokens=500, question=question
    )
    return await Extractive().reply(request, Listener(text=heard, tool=heard, restart=restart))


def found(text: str, link: str, tool: str = "docs_search_docs") -> ToolResult:
    return ToolResult(
        "1", tool, text, structured={"results": [{"text": text, "permalink": link, "title": "A page"}]}
    )


def test_the_question_itself_is_no_answer_and_another_one_hardly() -> None:
    """As a bot finds them whose questions are in Slack's memory a moment after they were asked."""
    asked = "Where is the zebra of the harbour kept?"
    ranked = rank(
        asked,
        [
            passage(f"<@U0BOT> {asked}", "itself"),
            passage("<@U0BOT> Where is the zebra of the harbour kept at night?", "another", rank=1),
            passage("The zebra is kept behind the harbour office.", "answer", rank=2),
            passage("Is the zebra kept? Yes, in the harbour.", "asked-and-answered", rank=3),
        ],
    )
    places = [one.passage.permalink.rpartition("/")[2] for one in ranked]
    assert sorted(places) == ["another", "answer", "asked-and-answered"]
    assert places[0] == "answer"
    assert places[-1] == "another"


async def test_every_search_is_asked_with_the_question_and_its_keywords() -> None:
    uses = (await reply("How do I find which queries are slow?")).tool_uses
    assert {use.name for use in uses} == {tool.name for tool in TOOLS}
    assert {use.arguments["query"] for use in uses} == {
        "How do I find which queries are slow?",
        "queries slow",
    }
    assert {use.arguments["limit"] for use in uses} == {5}


def test_tools_that_need_more_than_a_query_are_left_alone() -> None:
    needy = ToolDefinition(
        "x_search_docs", "", {"properties": {"query": {}, "source": {}}, "required": ["query", "source"]}
    )
    assert first_round("slow queries", [needy]) == []


async def test_the_best_passage_is_quoted_with_its_link_and_said_to_be_a_quote() -> None:
    answer = await reply(
        "Which release fixed the pool exhaustion?",
        [
            found("Release 7.3.1 fixed the pool exhaustion of last night.", "https://a.test/1"),
            found("Lunch is at noon.", "https://a.test/2", "slack_search_messages"),
        ],
    )
    assert (
        "> Release 7.3.1 fixed the pool exhaustion of last night.\n>\n> — [A page](https://a.test/1)"
        in answer.text
    )
    assert "Lunch" not in answer.text
    assert "no language model" in answer.text


async def test_little_found_leads_to_one_more_round_with_fewer_words() -> None:
    again = await reply("What about the GX-301 mount?", [found("nothing of the kind", "https://a.test/1")])
    assert "GX-301" in {use.arguments["query"] for use in again.tool_uses}
    end = await reply(
        "What about the GX-301 mount?", [found("no", "https://a.test/1")], [found("no", "https://a.test/1")]
    )
    assert end.text.startswith("I found nothing about “What about the GX-301 mount?”")
    assert "quotes" not in end.text


async def test_servers_that_fail_are_named_with_their_reason() -> None:
    broken = ToolResult(
        "1", "memory_recall", "x", is_error=True, structured={"code": "x", "message": "The disk is full."}
    )
    answer = await reply(
        "Which release fixed the pool?", [found("Release 7.3.1 fixed the pool.", "https://a.test/1"), broken]
    )
    assert "memory was not searched: The disk is full." in answer.text


def test_words_that_stand_together_beat_scattered_ones() -> None:
    together = passage("To log slow queries set log_min_duration_statement.", "a", rank=1)
    scattered = passage(
        "Slow starts happen. " + "Filler words everywhere. " * 40 + "Queries are logged.", "b"
    )
    assert rank("how to log slow queries", [scattered, together])[0].passage is together


def test_each_address_appears_once_and_twins_do_not_repeat() -> None:
    same = [passage("slow queries", "a"), passage("slow queries are logged", "a"), passage("fast ones", "b")]
    assert len({one.passage.permalink for one in rank("slow queries", same)}) == 2


def test_the_quoted_part_is_the_one_that_answers() -> None:
    text = (
        "Intro. " * 100
        + "Raw readings are kept for 13 months. Thirteen so that a year can be compared. "
        + "Outro. " * 100
    )
    part = best_part("How long are raw readings kept?", text)
    assert "Raw readings are kept for 13 months." in part
    assert "Thirteen so that" in part
    assert len(part) < 460


def test_fences_of_servers_are_not_quoted() -> None:
    value = {
        "messages": [
            {
                "text": "<untrusted abcdef123456 from dag (member)>\nhello\n</untrusted abcdef123456>",
                "permalink": "https://a.test/1",
            }
        ]
    }
    assert [one.text for one in passages(value, "slack", "search")] == ["hello"]


def test_parts_inherit_the_address_and_title_of_their_whole() -> None:
    value: dict[str, Any] = {"results": [{"title": "Page", "url": "https://a.test/p", "score": 0.5, "passages": [{"heading": "Part", "snippet": "text"}]}]}  # fmt: skip
    (one,) = passages(value, "docs", "search_docs")
    assert (one.permalink, one.title, one.score, one.text) == ("https://a.test/p", "Page > Part", 0.5, "text")


@pytest.mark.parametrize(
    ("one", "other"), [("queries", "query"), ("running", "runs"), ("indexes", "index"), ("kept", "kept")]
)
def test_words_of_one_family_are_equal(one: str, other: str) -> None:
    assert words(one) == words(other)


def test_compounds_are_found_whole_and_by_their_parts() -> None:
    assert set(words("pg_stat_statements")) >= {"pg_stat_statements", "pg", "stat"}
    assert words("遅いクエリ")[:2] == ["遅い", "いク"]


@given(st.text(max_size=200), st.lists(st.text(max_size=300), max_size=6))
def test_nothing_breaks_it(question: str, texts: list[str]) -> None:
    found = [passage(text, str(number)) for number, text in enumerate(texts)]
    for one in rank(question, found):
        assert 0 <= one.coverage <= 1.0001
    for text in texts:
        assert len(best_part(question, text)) <= 440
    content_words(question)


def test_a_quote_with_one_common_word_does_not_stand_beside_one_with_all() -> None:
    """The first result of a server that found nothing better counts for little."""
    question = "Why was the gauge of the weir moved?"
    good = passage("The gauge at the weir was moved because the bank slid", "weir")
    other = Passage("We moved our stand-up to ten", "https://slack.test/1", "", "slack", "search_messages")
    assert other.permalink not in compose(question, rank(question, [good, other]))


@pytest.mark.parametrize(
    "day", ["on 13 October", "on the 13th of October", "on Oct 13, 2026", "on 2026-10-13"]
)
def test_the_day_that_a_question_names_decides_between_equals(day: str) -> None:
    items = [
        {
            "text": "The deploy failed at noon",
            "permalink": f"https://slack.test/{date}",
            "date": f"{date}T12:00Z",
        }
        for date in ("2026-10-12", "2026-10-13", "2026-11-13")
    ]
    found = passages({"results": items}, "slack", "search_messages")
    question = f"What about the deploy that failed {day}?"
    assert rank(question, found)[0].passage.permalink.endswith("2026-10-13")


TODAY = datetime.date(2026, 11, 25)  # a Wednesday


@pytest.mark.parametrize(
    ("words", "first", "last"),
    [
        ("What happened yesterday?", "2026-11-24", "2026-11-24"),
        ("What was said today?", "2026-11-25", "2026-11-25"),
        ("Who was on call last week?", "2026-11-16", "2026-11-22"),
        ("What is planned this week?", "2026-11-23", "2026-11-29"),
        ("What did we decide last month?", "2026-10-01", "2026-10-31"),
        ("Incidents of the last 3 days", "2026-11-22", "2026-11-25"),
        ("Incidents in the past two weeks or past 2 weeks", "2026-11-11", "2026-11-25"),
        ("Incidents of the last week", "2026-11-18", "2026-11-25"),
        ("Outages in October", "2026-10-01", "2026-10-31"),
        ("Outages in December", "2025-12-01", "2025-12-31"),
        ("Outages during Feb 2024", "2024-02-01", "2024-02-29"),
        ("Changes since September", "2026-09-01", "2026-11-25"),
        ("The outage on the 13th of October", "2026-10-13", "2026-10-13"),
        ("The outage on 13 December", "2025-12-13", "2025-12-13"),
        ("The outage on 29 February", "2024-02-29", "2024-02-29"),
        ("The outage on 2026-10-13", "2026-10-13", "2026-10-13"),
    ],
)
def test_periods_that_a_question_names(words: str, first: str, last: str) -> None:
    assert [(str(one.first), str(one.last)) for one in periods_in(words, TODAY)] == [(first, last)]


@pytest.mark.parametrize(
    "text",
    [
        "Who may use the API?",
        "version 3.1",
        "the last release",
        "30 February 2026",
        "march order",
        "May 99 people",
    ],
)
def test_no_period_is_read_where_none_is(text: str) -> None:
    assert periods_in(text, TODAY) == []


def test_a_search_that_can_be_narrowed_is_asked_for_the_period_too() -> None:
    narrow = {"query": {"type": "string"}, "after": {"type": "string"}, "before": {"type": "string"}}
    tools = [
        *TOOLS[1:],
        ToolDefinition("slack_search_messages", "", {"type": "object", "properties": narrow}),
    ]
    uses = first_round("What broke last week?", tools, periods=periods_in("What broke last week?", TODAY))
    narrowed = [use for use in uses if "after" in use.arguments]
    assert [(use.name, use.arguments["after"], use.arguments["before"]) for use in narrowed] == [
        ("slack_search_messages", "2026-11-16", "2026-11-22")
    ]
    assert len(uses) == len({use.id for use in uses})
    assert any(use.name == "slack_search_messages" and "after" not in use.arguments for use in uses)


def test_what_was_said_in_the_period_comes_first() -> None:
    items = [
        {
            "text": "The deploy failed at noon",
            "permalink": f"https://slack.test/{day}",
            "date": f"{day}T12:00Z",
        }
        for day in ("2026-11-02", "2026-11-18", "2026-11-24")
    ]
    question = "Which deploy failed last week?"
    ranked = rank(
        question, passages({"results": items}, "slack", "search_messages"), periods_in(question, TODAY)
    )
    assert ranked[0].passage.permalink.endswith("2026-11-18")


def test_days_are_days_only() -> None:
    assert days_in("13 months, version 3.1, may 99 people, 2026-13-45") == []


@given(st.text(), st.dates())
def test_no_text_breaks_the_reading_of_days(text: str, date: datetime.date) -> None:
    days_in(text)
    periods_in(text, date)
    (day,) = days_in(f"on {date.day} {date:%B}")
    assert day.holds(date.isoformat())


def test_a_paragraph_is_quoted_from_its_beginning() -> None:
    text = (
        "About us. " * 60
        + "\n\nEverybody has 28 days a year. You may carry over 5 days of holiday until March.\n\n"
        + "Unrelated. " * 60
    )
    assert "28 days a year" in best_part("How many days of holiday may I carry over?", text)


def test_a_question_is_not_quoted_beside_an_answer() -> None:
    question = "How can hiccup indent the generated html?"
    asks = passage("How can hiccup indent the generated html output?", "asks")
    answers = passage("Use a pretty printer: hiccup does not indent the html.", "answers", rank=1)
    answer = compose(question, rank(question, [asks, answers]))
    assert answers.permalink in answer
    assert asks.permalink not in answer
