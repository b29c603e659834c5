"""What fits into a window, at its limit."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rookery.agent.context_window import (
    MOST_TOOLS,
    fit_history,
    fit_messages,
    fit_sections,
    fit_tools,
    keep_within,
    room,
)
from rookery.agent.question import ContextSection, Turn
from rookery.models.protocol import (
    Block,
    ChatMessage,
    Media,
    Text,
    Thinking,
    ToolDefinition,
    ToolResult,
    ToolUse,
)
from rookery.models.sizes import MEDIA_TOKENS, block_tokens, tools_tokens
from rookery_core.text import estimate_tokens


def result(number: int, size: int) -> ChatMessage:
    return ChatMessage(
        "user", (ToolResult(str(number), "t", f"start {number} " + "word " * size + "\n</untrusted abc>"),)
    )


def size_of(messages: list[ChatMessage]) -> int:
    return sum(block_tokens(block) + 4 for message in messages for block in message.blocks)


def conversation(count: int, size: int) -> list[ChatMessage]:
    messages = [ChatMessage("user", (Text("the question"),))]
    for number in range(count):
        messages += [ChatMessage("assistant", (ToolUse(str(number), "t", {}),)), result(number, size)]
    return messages


def test_what_fits_is_left_alone() -> None:
    messages = conversation(3, 50)
    assert fit_messages(messages, 0, 10_000) == messages


def test_the_oldest_results_give_way_first() -> None:
    fitted = fit_messages(conversation(4, 500), 100, 2000)
    texts = [block.text for message in fitted for block in message.blocks if isinstance(block, ToolResult)]
    assert "was dropped" in texts[0]
    assert texts[0].startswith("start 0")
    assert texts[0].endswith("</untrusted abc>"), "the fence stays closed"
    assert "was dropped" not in texts[-1]
    assert size_of(fitted) + 100 <= 2000


def test_the_newest_results_are_cut_evenly_when_nothing_else_is_left() -> None:
    many = ChatMessage(
        "user", tuple(ToolResult(str(n), "t", f"start {n} " + "word " * 2000) for n in range(4))
    )
    fitted = fit_messages([ChatMessage("user", (Text("q"),)), many], 0, 2000)
    texts = [block.text for block in fitted[-1].blocks if isinstance(block, ToolResult)]
    assert all(text.startswith(f"start {n}") and len(text) > 400 for n, text in enumerate(texts))
    assert size_of(fitted) <= 2400


@given(st.integers(0, 12), st.integers(1, 800), st.integers(1500, 12_000))
def test_every_message_stays_and_the_question_is_whole(count: int, size: int, tokens: int) -> None:
    fitted = fit_messages(conversation(count, size), 0, tokens)
    assert len(fitted) == 1 + 2 * count
    assert fitted[0] == ChatMessage("user", (Text("the question"),))
    assert size_of(fitted) <= max(tokens, 170 * count + 300)


def test_sections_share_a_budget_by_priority_and_keep_their_order() -> None:
    thread = ContextSection(title="thread", text="old " * 1000 + "newest", keep="end")
    user = ContextSection(title="user", text="Dag", priority=9)
    fitted = fit_sections([thread, user], 200)
    assert [section.title for section in fitted] == ["thread", "user"]
    assert fitted[0].text.endswith("newest")
    assert "left out" in fitted[0].text
    assert fitted[1].text == "Dag"


def test_a_section_without_room_is_left_out() -> None:
    sections = [
        ContextSection(title="a", text="x " * 500, priority=1),
        ContextSection(title="b", text="y " * 500),
    ]
    assert [section.title for section in fit_sections(sections, 260)] == ["a"]


@given(st.text(max_size=400), st.integers(40, 90), st.sampled_from(["start", "end"]))
def test_cut_text_fits(text: str, tokens: int, end: str) -> None:
    assert estimate_tokens(keep_within(text * 5, tokens, end)) <= tokens + 2


def test_history_keeps_the_newest_turns() -> None:
    turns = [Turn(question=f"q{number}", answer="word " * 300) for number in range(10)]
    kept = fit_history(turns, 1000)
    assert kept[-1].question == "q9"
    assert 1 < len(kept) < 10


def test_room_leaves_space_for_the_answer() -> None:
    assert room(200_000, 8000) == 172_000


words = st.integers(0, 3000).map(lambda count: "word " * count)


def asked(first: list[Block], exchanges: list[tuple[str, str, list[str]]]) -> list[ChatMessage]:
    """A run: what is asked, then of each turn its thought, its words, and the results of its calls."""
    messages = [ChatMessage("user", tuple(first))]
    for number, (thought, said, results) in enumerate(exchanges):
        calls = [ToolUse(f"{number}-{each}", "t", {"query": said}) for each in range(len(results))]
        turn = (Thinking("anthropic", {"type": "thinking", "thinking": thought}), *calls)
        answers = [ToolResult(call.id, "t", text) for call, text in zip(calls, results, strict=True)]
        messages += [ChatMessage("assistant", turn), ChatMessage("user", tuple(answers))]
    return messages


@given(
    words,
    st.lists(st.tuples(words, words, st.lists(words, min_size=1, max_size=4)), max_size=6),
    st.integers(0, 3),
    st.integers(500, 20_000),
)
def test_no_request_is_over_the_limit_and_no_call_without_its_result(
    question: str, exchanges: list[tuple[str, str, list[str]]], images: int, tokens: int
) -> None:
    first: list[Block] = [
        *(Media("a.png", "image/png", b"x") for _ in range(images)),
        Text("The context. " + question + " The question?"),
    ]
    messages = asked(first, exchanges)
    # What the newest turn of the model itself takes cannot be left out: a provider wants its thoughts and calls back.
    newest = size_of([messages[-2]]) if exchanges else 0
    fitted = fit_messages(messages, 100, tokens + newest + 60 * len(messages[-1].blocks) + 100)
    assert size_of(fitted) <= tokens + newest + 60 * len(messages[-1].blocks)
    assert [message.role for message in fitted] == ["user", "assistant"] * (len(fitted) // 2) + ["user"]
    for turn, results in zip(fitted[1::2], fitted[2::2], strict=True):
        calls = [block.id for block in turn.blocks if isinstance(block, ToolUse)]
        assert calls == [block.id for block in results.blocks if isinstance(block, ToolResult)]
        assert turn in messages, "a turn of the model goes back as it was, or not at all"
    texts = [block.text for block in fitted[0].blocks if isinstance(block, Text)]
    assert any(text.endswith("The question?") for text in texts)


@given(st.integers(1, 300), st.integers(0, 2000), st.integers(60, 6000))
def test_tools_are_told_in_fewer_words_before_any_is_left_out(count: int, size: int, tokens: int) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string", "description": "d" * size}}}
    tools = [
        ToolDefinition(f"tool{number}", "Finds.\n\n" + "More. " * (size // 6), schema)
        for number in range(count)
    ]
    fitted = fit_tools(tools, tokens)
    assert tools_tokens(fitted) <= max(tokens, 80)
    assert len(fitted) <= MOST_TOOLS
    assert fitted[-1].name == tools[-1].name
    if len(fitted) < min(count, MOST_TOOLS):
        assert tools_tokens(fitted) + 60 > tokens


def test_a_page_of_a_pdf_costs_as_much_as_an_image() -> None:
    pdf = b"%PDF-1.7 << /Type /Pages >> << /Type /Page >> << /Type/Page >> << /Type /Page\n>>"
    assert block_tokens(Media("a.pdf", "application/pdf", pdf)) == 3 * MEDIA_TOKENS
