"""The adapters against the emulated APIs: what they send, what they read, how they fail."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from emulators.models import Fault, ModelEmulator, Reply, Script, Use
from rookery.models.anthropic_messages import AnthropicMessages
from rookery.models.openai_chat import OpenAIChat
from rookery.models.openai_responses import OpenAIResponses
from rookery.models.protocol import (
    ChatMessage,
    ContextTooLong,
    Listener,
    Media,
    Model,
    ModelError,
    ModelKeyRefused,
    ModelOverloaded,
    ModelRefusedRequest,
    ModelRequest,
    ModelUnreachable,
    Text,
    Thinking,
    ToolDefinition,
    ToolResult,
    ToolUse,
)

TOOL = ToolDefinition(
    "slack_search", "Search.", {"type": "object", "properties": {"query": {"type": "string"}}}
)
APIS = ("anthropic", "chat", "responses")


@dataclass
class Heard:
    text: list[str] = field(default_factory=list[str])
    tools: list[str] = field(default_factory=list[str])
    restarts: int = 0

    def listener(self) -> Listener:
        async def text(piece: str) -> None:
            self.text.append(piece)

        async def tool(name: str) -> None:
            self.tools.append(name)

        async def restart() -> None:
            self.restarts += 1

        return Listener(text=text, tool=tool, restart=restart)


@pytest_asyncio.fixture
async def models() -> AsyncIterator[ModelEmulator]:
    async with ModelEmulator() as emulator:
        yield emulator


@pytest_asyncio.fixture
async def adapter(models: ModelEmulator) -> AsyncIterator[Callable[[str], Model]]:
    made: list[Model] = []

    def make(api: str, timeout_s: float = 10) -> Model:
        kind: Any = {"anthropic": AnthropicMessages, "chat": OpenAIChat, "responses": OpenAIResponses}[api]
        base = models.url if api == "anthropic" else f"{models.url}/v1"
        made.append(
            kind("claude-test", "sk-secret-123456", base_url=base, timeout_s=timeout_s, context_tokens=None)
        )
        return made[-1]

    yield make
    for model in made:
        await model.close()


def request(*messages: ChatMessage, thinking: str = "off") -> ModelRequest:
    return ModelRequest(
        system="You answer.",
        messages=messages or (ChatMessage("user", (Text("hello"),)),),
        tools=(TOOL,),
        max_output_tokens=2048,
        thinking=thinking,
    )


@pytest.mark.parametrize("api", APIS)
async def test_text_streams_and_usage_is_counted(
    api: str, models: ModelEmulator, adapter: Callable[[str], Model]
) -> None:
    models.brain = Script([Reply(text="Räder drehen sich – langsam.")])
    heard = Heard()
    reply = await adapter(api).reply(request(), heard.listener())
    assert reply.text == "Räder drehen sich – langsam." == "".join(heard.text)
    assert len(heard.text) > 1
    assert reply.stop == "end"
    assert reply.usage.output_tokens > 0
    assert reply.usage.input_tokens > 0
    assert reply.usage.cache_read_tokens == 11
    assert reply.usage.requests == 1


@pytest.mark.parametrize("api", APIS)
async def test_parallel_tool_calls_with_their_results(
    api: str, models: ModelEmulator, adapter: Callable[[str], Model]
) -> None:
    uses = (Use("slack_search", {"query": "a"}), Use("slack_search", {"query": 'b "quoted"'}))
    models.brain = Script([Reply(text="Looking. ", uses=uses), Reply(text="Done.")])
    model, heard = adapter(api), Heard()
    first = await model.reply(request(), heard.listener())
    assert first.stop == "tool_use"
    assert [use.arguments for use in first.tool_uses] == [use.arguments for use in uses]
    assert heard.tools == ["slack_search", "slack_search"]
    results = tuple(
        ToolResult(use.id, use.name, f"found {use.arguments['query']}") for use in first.tool_uses
    )
    second = await model.reply(
        request(
            ChatMessage("user", (Text("hello"),)),
            ChatMessage("assistant", first.blocks),
            ChatMessage("user", results),
        ),
        heard.listener(),
    )
    assert second.text == "Done."
    assert models.requests[-1].results == ("found a", 'found b "quoted"')


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize(("raw", "told"), [('{"query": "a', "not JSON"), ("[1]", "list"), ('"x"', "str")])
async def test_malformed_tool_input_becomes_a_problem_for_the_model(
    api: str, raw: str, told: str, models: ModelEmulator, adapter: Callable[[str], Model]
) -> None:
    models.brain = Script([Reply(uses=(Use("slack_search", raw=raw),))])
    reply = await adapter(api).reply(request(), Heard().listener())
    (use,) = reply.tool_uses
    assert use.problem is not None
    assert told in use.problem
    assert use.arguments == {}


FAULTS: list[tuple[Fault, type[ModelError]]] = [
    ("overloaded", ModelOverloaded),
    ("rate_limited", ModelOverloaded),
    ("server_error", ModelUnreachable),
    ("bad_key", ModelKeyRefused),
    ("too_long", ContextTooLong),
    ("bad_request", ModelRefusedRequest),
    ("cut", ModelUnreachable),
]


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize(("fault", "error"), FAULTS)
async def test_each_failure_says_what_to_do_about_it(
    api: str, fault: Fault, error: type[ModelError], models: ModelEmulator, adapter: Callable[[str], Model]
) -> None:
    models.brain = Script([Reply(text="Half of an answer, and then", fault=fault, retry_after="7")])
    with pytest.raises(error) as raised:
        await adapter(api).reply(request(), Heard().listener())
    assert type(raised.value) is error
    assert "secret" not in str(raised.value)
    if fault == "rate_limited":
        assert raised.value.retry_after_s == 7


@pytest.mark.parametrize("api", APIS)
async def test_an_overload_reported_inside_the_stream(
    api: str, models: ModelEmulator, adapter: Callable[[str], Model]
) -> None:
    models.brain = Script([Reply(text="Half of an answer, and then", fault="error_in_stream")])
    with pytest.raises((ModelOverloaded, ModelUnreachable)):
        await adapter(api).reply(request(), Heard().listener())


@pytest.mark.parametrize("api", APIS)
async def test_a_stream_that_stands_still_times_out(api: str, models: ModelEmulator, adapter: Any) -> None:
    models.brain = Script([Reply(text="Half of an answer, and then", fault="hang")])
    with pytest.raises(ModelUnreachable):
        await adapter(api, timeout_s=0.2).reply(request(), Heard().listener())


async def test_nobody_there_is_unreachable() -> None:
    model = AnthropicMessages("m", "k", base_url="http://127.0.0.1:1", timeout_s=2, context_tokens=None)
    with pytest.raises(ModelUnreachable):
        await model.reply(request(), Heard().listener())
    await model.close()


@pytest.mark.parametrize("api", APIS)
async def test_cancelling_ends_the_request(
    api: str, models: ModelEmulator, adapter: Callable[[str], Model]
) -> None:
    models.brain = Script([Reply(text="Half of an answer, and then", fault="hang")])
    heard = Heard()
    first = asyncio.Event()
    listener = heard.listener()

    async def text(_: str) -> None:
        first.set()

    listener.text = text
    task = asyncio.create_task(adapter(api).reply(request(), listener))
    await asyncio.wait_for(first.wait(), 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_anthropic_caches_system_tools_and_the_conversation(
    models: ModelEmulator, adapter: Callable[[str], Model]
) -> None:
    models.brain = Script([Reply(text="ok")])
    await adapter("anthropic").reply(request(), Heard().listener())
    body = models.requests[0].body
    assert body["system"][0]["cache_control"] == {"type": "ephemeral"}
    assert body["tools"][-1]["cache_control"] == {"type": "ephemeral"}
    assert body["messages"][-1]["content"][-1]["cache_control"] == {"type": "ephemeral"}


async def test_anthropic_thinking_goes_back_unchanged(
    models: ModelEmulator, adapter: Callable[[str], Model]
) -> None:
    models.brain = Script(
        [Reply(thinking="Let me see what that is.", uses=(Use("slack_search", {}),)), Reply(text="ok")]
    )
    model = adapter("anthropic")
    first = await model.reply(request(thinking="1024"), Heard().listener())
    question, results = (
        ChatMessage("user", (Text("hello"),)),
        ChatMessage("user", (ToolResult(first.tool_uses[0].id, "x", "found"),)),
    )
    await model.reply(
        request(question, ChatMessage("assistant", first.blocks), results, thinking="1024"),
        Heard().listener(),
    )
    assert models.requests[0].body["thinking"] == {"type": "enabled", "budget_tokens": 1024}
    sent = models.requests[1].body["messages"][1]["content"][0]
    assert sent == {"type": "thinking", "thinking": "Let me see what that is.", "signature": "signed-1"}


async def test_anthropic_does_not_think_on_top_of_another_providers_turn(
    models: ModelEmulator, adapter: Callable[[str], Model]
) -> None:
    models.brain = Script([Reply(text="ok")])
    turn = ChatMessage(
        "assistant", (Thinking("openai-responses", {"type": "reasoning"}), ToolUse("1", "slack_search", {}))
    )
    results = ChatMessage("user", (ToolResult("1", "slack_search", "found"),))
    await adapter("anthropic").reply(
        request(ChatMessage("user", (Text("hello"),)), turn, results, thinking="adaptive"), Heard().listener()
    )
    body = models.requests[0].body
    assert "thinking" not in body
    assert [block["type"] for block in body["messages"][1]["content"]] == ["tool_use"]


async def test_responses_keeps_reasoning_and_stores_nothing(
    models: ModelEmulator, adapter: Callable[[str], Model]
) -> None:
    models.brain = Script([Reply(thinking="hm", uses=(Use("slack_search", {}),)), Reply(text="ok")])
    model = adapter("responses")
    first = await model.reply(request(), Heard().listener())
    results = ChatMessage("user", (ToolResult(first.tool_uses[0].id, "slack_search", "found"),))
    await model.reply(
        request(ChatMessage("user", (Text("hello"),)), ChatMessage("assistant", first.blocks), results),
        Heard().listener(),
    )
    body = models.requests[1].body
    assert body["store"] is False
    assert [item.get("type") for item in body["input"]] == [
        None,
        "reasoning",
        "function_call",
        "function_call_output",
    ]
    assert body["input"][1]["encrypted_content"] == "sealed-1"


@pytest.mark.parametrize("api", APIS)
async def test_images_and_pdfs_are_sent(
    api: str, models: ModelEmulator, adapter: Callable[[str], Model]
) -> None:
    models.brain = Script([Reply(text="ok")])
    files = (Media("a.png", "image/png", b"\x89PNG"), Media("b.pdf", "application/pdf", b"%PDF-1.7"))
    await adapter(api).reply(request(ChatMessage("user", (*files, Text("what is it?")))), Heard().listener())
    sent = str(models.requests[0].body)
    assert "iVBORw==" in sent
    assert "JVBERi0xLjc=" in sent
    assert models.requests[0].last == "what is it?"


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("stop", ["max_tokens", "refusal"])
async def test_why_an_answer_ended(
    api: str, stop: Any, models: ModelEmulator, adapter: Callable[[str], Model]
) -> None:
    models.brain = Script([Reply(text="Half", stop=stop)])
    assert (await adapter(api).reply(request(), Heard().listener())).stop == stop


FIRST_REQUEST = """
import asyncio, sys, threading
from importlib.abc import MetaPathFinder
from rookery.models.anthropic_messages import AnthropicMessages
from rookery.models.openai_chat import OpenAIChat
from rookery.models.protocol import Listener, ChatMessage, ModelError, ModelRequest, Text

class Watch(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name in ("anthropic", "openai"):
            print(name, "stops the loop" if threading.current_thread() is threading.main_thread() else "beside the loop")
        return None

async def nothing(*_):
    pass

async def main():
    sys.meta_path.insert(0, Watch())
    request = ModelRequest(system="", messages=(ChatMessage("user", (Text("x"),)),), tools=(), max_output_tokens=9)
    for kind in (AnthropicMessages, OpenAIChat):
        model = kind("m", "k", base_url="http://127.0.0.1:9/v1", timeout_s=1, context_tokens=None)
        try:
            await model.reply(request, Listener(nothing, nothing, nothing))
        except ModelError:
            pass
        await model.close()

asyncio.run(main())
"""


@pytest.mark.slow
async def test_the_first_request_does_not_stop_the_loop_while_an_sdk_is_imported() -> None:
    """It takes seconds, in which a bot would lose its leases and Slack would send its events again."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", FIRST_REQUEST, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    assert out.decode().splitlines() == ["anthropic beside the loop", "openai beside the loop"]


async def test_a_tool_without_a_name_is_a_bad_request() -> None:
    tools: list[dict[str, Any]] = [{"type": "function", "parameters": {}}]
    async with ModelEmulator() as emulator, httpx2.AsyncClient() as client:
        answer = await client.post(
            f"{emulator.url}/v1/responses", json={"model": "m", "input": [], "tools": tools}
        )
    assert answer.status_code == 400
    assert "tools[0].name" in answer.json()["error"]["message"]
