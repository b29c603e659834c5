"""The adapters against bytes as real servers send them, and as damaged ones do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
import pytest_asyncio

from emulators.models.raw import Answer, RawServer, events
from rookery.models.anthropic_messages import AnthropicMessages
from rookery.models.openai_chat import OpenAIChat
from rookery.models.openai_responses import OpenAIResponses
from rookery.models.protocol import (
    ChatMessage,
    ContextTooLong,
    Listener,
    Model,
    ModelError,
    ModelKeyRefused,
    ModelOverloaded,
    ModelReply,
    ModelRequest,
    ModelUnreachable,
    Text,
    ToolDefinition,
    ToolResult,
    ToolUse,
)

KINDS: dict[str, Any] = {"anthropic": AnthropicMessages, "chat": OpenAIChat, "responses": OpenAIResponses}
TOOL = ToolDefinition("search", "Search.", {"type": "object", "properties": {"query": {"type": "string"}}})
Opened = Callable[..., Any]


@pytest_asyncio.fixture
async def opened() -> AsyncIterator[Opened]:
    """A server with its script, and an adapter that asks it."""
    async with AsyncExitStack() as stack:

        async def open(api: str, *answers: Answer | bytes, timeout_s: float = 10) -> tuple[RawServer, Model]:
            made = [one if isinstance(one, Answer) else Answer(one) for one in answers]
            server = await stack.enter_async_context(RawServer(made))
            base = server.url if api == "anthropic" else f"{server.url}/v1"
            model = KINDS[api]("m-test", "sk-test", base_url=base, timeout_s=timeout_s, context_tokens=None)
            stack.push_async_callback(model.close)
            return server, model

        yield open


async def _nothing(*_: str) -> None:
    return


QUIET = Listener(text=_nothing, tool=_nothing, restart=_nothing)


def request(*messages: ChatMessage, thinking: str = "off", max_output_tokens: int = 4096) -> ModelRequest:
    return ModelRequest(
        system="You answer.",
        messages=messages or (ChatMessage("user", (Text("hello"),)),),
        tools=(TOOL,),
        max_output_tokens=max_output_tokens,
        thinking=thinking,
    )


async def reply_of(opened: Opened, api: str, body: bytes) -> ModelReply:
    _, model = await opened(api, body)
    return await model.reply(request(), QUIET)


# Anthropic ---------------------------------------------------------------------------------------------------


def started(**usage: int) -> dict[str, Any]:
    told = {"input_tokens": 10, "output_tokens": 1, **usage}
    message: dict[str, Any] = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m-test", "content": [], "stop_reason": None, "stop_sequence": None, "usage": told}  # fmt: skip
    return {"type": "message_start", "message": message}


def block(index: int, opened: dict[str, Any], *deltas: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"type": "content_block_start", "index": index, "content_block": opened},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def ended(stop: str, **usage: int) -> list[dict[str, Any]]:
    delta = {"stop_reason": stop, "stop_sequence": None}
    return [{"type": "message_delta", "delta": delta, "usage": {"output_tokens": 5, **usage}}, {"type": "message_stop"}]  # fmt: skip


def message(*blocks: list[dict[str, Any]], stop: str = "end_turn") -> bytes:
    return events(started(), *(event for each in blocks for event in each), *ended(stop), named=True)


USE: dict[str, Any] = {"type": "tool_use", "id": "toolu_1", "name": "search", "input": {}}
THOUGHT = {"type": "thinking", "thinking": "", "signature": ""}


async def test_what_the_model_thought_goes_back_byte_for_byte(opened: Opened) -> None:
    body = message(
        block(
            0,
            THOUGHT,
            {"type": "thinking_delta", "thinking": "One "},
            {"type": "thinking_delta", "thinking": "two."},
            {"type": "signature_delta", "signature": "Eq"},
            {"type": "signature_delta", "signature": "QB=="},
        ),
        block(1, {"type": "redacted_thinking", "data": "EmwK"}),
        block(2, THOUGHT, {"type": "signature_delta", "signature": "omitted=="}),
        block(3, USE, {"type": "input_json_delta", "partial_json": ""}, {"type": "input_json_delta", "partial_json": '{"query": "x"}'}),
        stop="tool_use",
    )  # fmt: skip
    server, model = await opened("anthropic", body)
    first = await model.reply(request(thinking="adaptive"), QUIET)
    (use,) = first.tool_uses
    turn = (ChatMessage("user", (Text("hello"),)), ChatMessage("assistant", first.blocks), ChatMessage("user", (ToolResult(use.id, use.name, "found"),)))  # fmt: skip
    await model.reply(request(*turn, thinking="adaptive"), QUIET)
    assert server.bodies[1]["messages"][1]["content"] == [
        {"type": "thinking", "thinking": "One two.", "signature": "EqQB=="},
        {"type": "redacted_thinking", "data": "EmwK"},
        {"type": "thinking", "thinking": "", "signature": "omitted=="},
        {"type": "tool_use", "id": "toolu_1", "name": "search", "input": {"query": "x"}},
    ]
    assert server.bodies[1]["thinking"] == {"type": "adaptive"}


async def test_adaptive_thinking_stays_on_when_the_model_called_a_tool_without_a_thought(
    opened: Opened,
) -> None:
    """One turn of the model keeps one configuration: changing it in between throws the cache away."""
    server, model = await opened("anthropic", message(block(0, {"type": "text", "text": ""})))
    turn = ChatMessage("assistant", (ToolUse("toolu_1", "search", {}),))
    result = ChatMessage("user", (ToolResult("toolu_1", "search", "found"),))
    await model.reply(request(ChatMessage("user", (Text("x"),)), turn, result, thinking="adaptive"), QUIET)
    assert server.bodies[0]["thinking"] == {"type": "adaptive"}


async def test_a_budget_of_thoughts_leaves_room_for_the_answer(opened: Opened) -> None:
    server, model = await opened("anthropic", message(block(0, {"type": "text", "text": ""})))
    await model.reply(request(thinking="8000", max_output_tokens=2048), QUIET)
    assert server.bodies[0]["thinking"] == {"type": "enabled", "budget_tokens": 8000}
    assert server.bodies[0]["max_tokens"] == 8000 + 2048


async def test_tool_input_that_comes_whole(opened: Opened) -> None:
    reply = await reply_of(opened, "anthropic", message(block(0, {**USE, "input": {"query": "x"}}), stop="tool_use"))  # fmt: skip
    assert reply.tool_uses[0].arguments == {"query": "x"}


@pytest.mark.parametrize(
    ("stop", "told"),
    [("end_turn", "end"), ("stop_sequence", "end"), ("pause_turn", "end"), ("max_tokens", "max_tokens"), ("refusal", "refusal"), ("model_context_window_exceeded", "max_tokens"), ("of_a_later_year", "end")],
)  # fmt: skip
async def test_every_reason_to_stop(opened: Opened, stop: str, told: str) -> None:
    body = message(block(0, {"type": "text", "text": ""}, {"type": "text_delta", "text": "Half"}), stop=stop)
    reply = await reply_of(opened, "anthropic", body)
    assert (reply.text, reply.stop) == ("Half", told)


async def test_what_caches_cost_is_counted_where_it_is_told(opened: Opened) -> None:
    first = started(input_tokens=3, cache_creation_input_tokens=100, cache_read_input_tokens=2000)
    last = ended("end_turn", input_tokens=3, cache_creation_input_tokens=100, cache_read_input_tokens=2000, output_tokens=9)  # fmt: skip
    usage = (await reply_of(opened, "anthropic", events(first, *last, named=True))).usage
    assert (usage.input_tokens, usage.cache_write_tokens, usage.cache_read_tokens, usage.output_tokens) == (3, 100, 2000, 9)  # fmt: skip


@pytest.mark.parametrize("stop", ["max_tokens", "model_context_window_exceeded"])
async def test_a_call_that_the_limit_cut_off_is_not_made_with_what_was_there(
    opened: Opened, stop: str
) -> None:
    """Cut before its first argument, it would look like a call without arguments."""
    body = message(block(0, {**USE, "id": "toolu_0"}, {"type": "input_json_delta", "partial_json": '{"query": "whole"}'}), block(1, USE), stop=stop)  # fmt: skip
    whole, cut = (await reply_of(opened, "anthropic", body)).tool_uses
    assert (whole.arguments, whole.problem) == ({"query": "whole"}, None)
    assert cut.problem is not None
    assert "cut off" in cut.problem


async def test_events_and_blocks_of_later_years_are_passed_over(opened: Opened) -> None:
    body = events(
        started(),
        {"type": "ping"},
        {"type": "weather", "degrees": 3},
        *block(0, {"type": "hologram", "data": "x"}, {"type": "hologram_delta", "more": "y"}),
        *block(1, {"type": "text", "text": ""}, {"type": "text_delta", "text": "Hi"}, {"type": "citations_delta", "citation": {"type": "char_location"}}),
        *ended("end_turn"),
        named=True,
    )  # fmt: skip
    assert (await reply_of(opened, "anthropic", body)).text == "Hi"


# OpenAI, Chat Completions ------------------------------------------------------------------------------------


def chunk(delta: dict[str, Any] | None = None, finish: str | None = None, **more: Any) -> dict[str, Any]:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    return {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m-test", "choices": choices, **more}  # fmt: skip


def call(index: int | None, id: str | None = None, name: str | None = None, arguments: str | None = None) -> dict[str, Any]:  # fmt: skip
    function = {"name": name, "arguments": arguments}
    part: dict[str, Any] = {"index": index, "id": id, "type": "function", "function": {key: value for key, value in function.items() if value is not None}}  # fmt: skip
    return {"tool_calls": [{key: value for key, value in part.items() if value is not None}]}


A, B = '{"query": "a"}', '{"query": "b"}'
SHAPES = {
    "by index, in pieces": [call(0, "c0", "search", ""), call(0, None, None, A[:5]), call(0, None, None, A[5:]), call(1, "c1", "search", ""), call(1, None, None, B)],
    "interleaved": [call(0, "c0", "search", ""), call(1, "c1", "search", ""), call(0, None, None, A), call(1, None, None, B)],
    "whole": [call(0, "c0", "search", A), call(1, "c1", "search", B)],
    "whole, all with index 0": [call(0, "c0", "search", A), call(0, "c1", "search", B)],
    "whole, without index": [call(None, "c0", "search", A), call(None, "c1", "search", B)],
    "whole, without index and id": [call(None, None, "search", A), call(None, None, "search", B)],
    "pieces without index": [call(None, "c0", "search", A[:5]), call(None, None, None, A[5:]), call(None, "c1", "search", B)],
    "name and id again with each piece": [call(0, "c0", "search", A[:5]), call(0, "c0", "search", A[5:]), call(1, "c1", "search", B)],
    "another id with each piece": [call(0, "c0", "search", A[:5]), call(0, "x9", None, A[5:]), call(1, "c1", "search", B)],
    "whole, all with index 0, without ids": [call(0, "", "search", A), call(0, "", "search", B)],
    "two in one chunk": [{"tool_calls": [*call(0, "c0", "search", A)["tool_calls"], *call(1, "c1", "search", B)["tool_calls"]]}],
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("finish", ["tool_calls", "stop", "function_call"])
async def test_tool_calls_as_servers_stream_them(opened: Opened, shape: str, finish: str) -> None:
    body = events(*(chunk(delta) for delta in SHAPES[shape]), chunk({}, finish), "[DONE]")
    reply = await reply_of(opened, "chat", body)
    assert reply.stop == "tool_use"
    assert [(use.name, use.arguments) for use in reply.tool_uses] == [("search", {"query": "a"}), ("search", {"query": "b"})]  # fmt: skip
    assert len({use.id for use in reply.tool_uses}) == 2


async def test_calls_without_ids_get_ids_that_stay_unique_in_the_conversation(opened: Opened) -> None:
    body = events(chunk(call(None, None, "search", A)), chunk({}, "tool_calls"))
    ids = [(await reply_of(opened, "chat", body)).tool_uses[0].id for _ in range(2)]
    assert ids[0] != ids[1]


async def test_names_and_ids_that_another_provider_would_refuse_are_made_plain(opened: Opened) -> None:
    """A chain may hand the conversation to Anthropic, which takes letters, digits, _ and - only."""
    body = events(chunk(call(0, "functions.search:0", "functions.search it", A)), chunk(call(1, "c1", "", B)), chunk({}, "tool_calls"))  # fmt: skip
    first, second = (await reply_of(opened, "chat", body)).tool_uses
    assert (first.id, first.name) == ("functions_search_0", "functions_search_it")
    assert second.name == "unnamed"


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
async def test_reasoning_of_open_models_goes_back_under_its_name_and_to_no_reader(
    opened: Opened, field: str
) -> None:
    """DeepSeek refuses a tool loop whose reasoning was left out."""
    body = events(chunk({field: "Let me "}), chunk({field: "see."}), chunk(call(0, "c0", "search", A)), chunk({}, "tool_calls"))  # fmt: skip
    server, model = await opened("chat", body)
    reply = await model.reply(request(), QUIET)
    assert reply.text == ""
    turn = ChatMessage("assistant", reply.blocks)
    await model.reply(request(ChatMessage("user", (Text("x"),)), turn, ChatMessage("user", (ToolResult("c0", "search", "found"),))), QUIET)  # fmt: skip
    assert server.bodies[1]["messages"][2][field] == "Let me see."


@pytest.mark.parametrize("finish", ["error", "abort", "insufficient_system_resource"])
async def test_a_server_that_gives_up_in_the_middle_is_no_answer(opened: Opened, finish: str) -> None:
    with pytest.raises(ModelUnreachable):
        await reply_of(opened, "chat", events(chunk({"content": "Half of"}), chunk({}, finish), "[DONE]"))


async def test_a_refusal_in_its_own_field_is_told(opened: Opened) -> None:
    body = events(chunk({"refusal": "I cannot "}), chunk({"refusal": "do that."}), chunk({}, "stop"))
    reply = await reply_of(opened, "chat", body)
    assert (reply.text, reply.stop) == ("I cannot do that.", "refusal")


async def test_a_server_that_counts_no_tokens_is_estimated(opened: Opened) -> None:
    """Limits on tokens and money would mean nothing otherwise."""
    reply = await reply_of(opened, "chat", events(chunk({"content": "words " * 40}), chunk({}, "stop")))
    assert 0 < reply.usage.input_tokens < 60
    assert 50 < reply.usage.output_tokens < 80


# OpenAI, Responses -------------------------------------------------------------------------------------------


def response(status: str, output: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {"id": "r1", "object": "response", "status": status, "model": "m-test", "output": output, "usage": None, **more}  # fmt: skip


REASONING: dict[str, Any] = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"}
SAID: dict[str, Any] = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [{"type": "output_text", "text": "Looking.", "annotations": []}]}  # fmt: skip
CALLED: dict[str, Any] = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "search", "arguments": A, "status": "completed"}  # fmt: skip


async def test_items_go_back_in_their_order(opened: Opened) -> None:
    """Reasoning stands before the item that it led to."""
    body = events({"type": "response.completed", "response": response("completed", [REASONING, SAID, CALLED])})  # fmt: skip
    server, model = await opened("responses", body)
    reply = await model.reply(request(), QUIET)
    turn = ChatMessage("assistant", reply.blocks)
    await model.reply(request(ChatMessage("user", (Text("x"),)), turn, ChatMessage("user", (ToolResult("call_1", "search", "found"),))), QUIET)  # fmt: skip
    sent = [item.get("type", item.get("role")) for item in server.bodies[1]["input"]]
    assert sent == ["user", "reasoning", "assistant", "function_call", "function_call_output"]
    assert server.bodies[1]["input"][1] == REASONING


async def test_items_that_only_their_own_events_bring(opened: Opened) -> None:
    done: list[dict[str, Any]] = [{"type": "response.output_item.done", "output_index": n, "item": item} for n, item in enumerate([SAID, CALLED])]  # fmt: skip
    body = events(*done, {"type": "response.completed", "response": response("completed", [])})
    reply = await reply_of(opened, "responses", body)
    assert reply.text == "Looking."
    assert reply.tool_uses[0].arguments == {"query": "a"}


async def test_words_of_a_refusal_are_told(opened: Opened) -> None:
    item: dict[str, Any] = {**SAID, "content": [{"type": "refusal", "refusal": "I cannot do that."}]}
    body = events({"type": "response.completed", "response": response("completed", [item])})
    reply = await reply_of(opened, "responses", body)
    assert (reply.text, reply.stop) == ("I cannot do that.", "refusal")


async def test_a_call_cut_by_the_limit_of_output(opened: Opened) -> None:
    cut = {**CALLED, "arguments": "", "status": "incomplete"}
    ended = response("incomplete", [cut], incomplete_details={"reason": "max_output_tokens"})
    reply = await reply_of(opened, "responses", events({"type": "response.incomplete", "response": ended}))
    assert reply.stop == "max_tokens"
    assert reply.tool_uses[0].problem is not None


# All of them -------------------------------------------------------------------------------------------------

BEGUN = {
    "anthropic": events(started(), named=True),
    "chat": events(chunk({"content": "Half"})),
    "responses": events({"type": "response.output_text.delta", "item_id": "m", "output_index": 0, "content_index": 0, "delta": "Half"}),
}  # fmt: skip


@pytest.mark.parametrize("api", KINDS)
async def test_an_event_that_is_no_json_is_a_broken_answer(opened: Opened, api: str) -> None:
    body = BEGUN[api] + b'event: content_block_delta\ndata: {"type": "content_block_de\n\n'
    with pytest.raises(ModelUnreachable):
        await reply_of(opened, api, body)


@pytest.mark.parametrize("api", KINDS)
async def test_pings_do_not_keep_a_dead_answer_alive(opened: Opened, api: str) -> None:
    beat = b'event: ping\ndata: {"type": "ping"}\n\n' if api == "anthropic" else b": keep-alive\n\n"
    server, model = await opened(api, Answer(BEGUN[api], hold=True, beat=beat), timeout_s=0.3)
    async with asyncio.timeout(5):
        with pytest.raises(ModelUnreachable):
            await model.reply(request(), QUIET)
        await server.left.wait()


@pytest.mark.parametrize("api", KINDS)
async def test_a_cancelled_request_leaves_no_connection(opened: Opened, api: str) -> None:
    server, model = await opened(api, Answer(BEGUN[api], hold=True))
    task = asyncio.create_task(model.reply(request(), QUIET))
    async with asyncio.timeout(5):
        while not server.bodies:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await server.left.wait()


TOO_LONG = [
    "input length and `max_tokens` exceed context limit: 198000 + 8192 > 200000, decrease input length or `max_tokens` and try again",
    "the request exceeds the available context size. try increasing the context size or enable context shift",
    "The input token count (40000) exceeds the maximum number of tokens allowed (32768).",
    "Input is too long for requested model.",
    "Your input exceeds the context window of this model. Please adjust your input and try again.",
    "max_tokens is too large: 8192. This model's maximum context length is 8192 tokens and your request has 500 input tokens",
    "`inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000 `inputs` tokens",
]  # fmt: skip


def refusal(message: str, status: int, kind: str = "invalid_request_error", **headers: str) -> Answer:
    told = {"type": "error", "error": {"type": kind, "message": message, "code": kind}}
    return Answer(json.dumps(told).encode(), status, tuple(headers.items()))


@pytest.mark.parametrize("told", TOO_LONG)
async def test_what_is_too_long_in_every_servers_words(opened: Opened, told: str) -> None:
    _, model = await opened("chat", refusal(told, 400))
    with pytest.raises(ContextTooLong):
        await model.reply(request(), QUIET)


@pytest.mark.parametrize(
    ("status", "kind", "error"),
    [(429, "insufficient_quota", ModelKeyRefused), (402, "billing_error", ModelKeyRefused), (504, "timeout_error", ModelUnreachable), (529, "overloaded_error", ModelOverloaded)],
)  # fmt: skip
@pytest.mark.parametrize("api", KINDS)
async def test_what_an_error_means(
    opened: Opened, api: str, status: int, kind: str, error: type[ModelError]
) -> None:
    server, model = await opened(api, refusal("You exceeded your current quota.", status, kind))
    with pytest.raises(error):
        await model.reply(request(), QUIET)
    assert len(server.bodies) == 1, "the SDK does not try again on top of our own attempts"


async def test_a_pause_told_as_a_date(opened: Opened) -> None:
    when = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    _, model = await opened("chat", refusal("slow down", 429, **{"retry-after": when}))
    with pytest.raises(ModelOverloaded) as raised:
        await model.reply(request(), QUIET)
    assert raised.value.retry_after_s is not None
    assert 20 < raised.value.retry_after_s <= 30


HALVES = "\ud83d", "\ude00"
SPLIT = {
    "anthropic": message(block(0, {"type": "text", "text": ""}, *({"type": "text_delta", "text": half} for half in HALVES)), block(1, USE, {"type": "input_json_delta", "partial_json": '{"query": "\\ud83d\\ude00 \\ud83d"}'}), stop="tool_use"),
    "chat": events(*(chunk({"content": half}) for half in HALVES), chunk(call(0, "c0", "search", '{"query": "\\ud83d\\ude00 \\ud83d"}')), chunk({}, "tool_calls")),
    "responses": events({"type": "response.completed", "response": response("completed", [{**SAID, "content": [{"type": "output_text", "text": "".join(HALVES), "annotations": []}]}, {**CALLED, "arguments": '{"query": "\\ud83d\\ude00 \\ud83d"}'}])}),
}  # fmt: skip


@pytest.mark.parametrize("api", KINDS)
async def test_halves_of_a_character_become_one_and_can_be_sent_back(opened: Opened, api: str) -> None:
    """Servers that count in UTF-16 cut between them."""
    _, model = await opened(api, SPLIT[api])
    reply = await model.reply(request(), QUIET)
    assert reply.text == "\U0001f600"
    assert reply.tool_uses[0].arguments == {"query": "\U0001f600 \ufffd"}
    await model.reply(
        request(ChatMessage("user", (Text("x"),)), ChatMessage("assistant", reply.blocks)), QUIET
    )


@pytest.mark.parametrize(
    ("pieces", "answer"),
    [
        (["<think>Hm. Two?</think>\n\nTwo."], "Two."),
        (["<", "thi", "nk>a", "b</th", "ink>", "\n", "Tw", "o."], "Two."),
        (["\n<think>\n</think>\nTwo."], "Two."),
        (["<thin ice>", " is here"], "<thin ice> is here"),
        (["<"], "<"),
        (["Write <think> and </think>."], "Write <think> and </think>."),
        (["<think>never closed"], ""),
        ([[{"type": "text", "text": "Tw"}, {"type": "text", "text": "o."}]], "Two."),
        ([["Two", "."]], "Two."),
    ],
)
async def test_what_a_model_thinks_in_tags_is_no_part_of_its_answer(
    opened: Opened, pieces: list[Any], answer: str
) -> None:
    body = events(*(chunk({"content": piece}) for piece in pieces), chunk({}, "stop"), "[DONE]")
    heard: list[str] = []

    async def hear(text: str) -> None:
        heard.append(text)

    _, model = await opened("chat", body)
    reply = await model.reply(request(), Listener(text=hear, tool=_nothing, restart=_nothing))
    assert reply.text == answer == "".join(heard)


async def test_arguments_as_an_object_are_read(opened: Opened) -> None:
    call = {"index": 0, "id": "c1", "function": {"name": "search", "arguments": {"query": "x"}}}
    body = events(chunk({"tool_calls": [call]}), chunk({}, "tool_calls"), "[DONE]")
    (use,) = (await reply_of(opened, "chat", body)).tool_uses
    assert (use.name, dict(use.arguments), use.problem) == ("search", {"query": "x"}, None)
