"""Anthropic's Messages API: streaming, tools, prompt caching, thinking passed through."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rookery.models.arguments import cut_off, tool_use
from rookery.models.failures import as_model_errors
from rookery.models.protocol import (
    Block,
    ChatMessage,
    Listener,
    Media,
    ModelReply,
    ModelRequest,
    ModelUnreachable,
    Text,
    Thinking,
    ToolResult,
    ToolUse,
)
from rookery.models.sdk import imported
from rookery.models.stall_detection import lively
from rookery.models.windows import window_of
from rookery.usage import Usage
from rookery_core.text import encodable

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic

PROVIDER = "anthropic"
_LEAST_THINKING = 1024
_CACHED = {"cache_control": {"type": "ephemeral"}}


class AnthropicMessages:
    """A model of Anthropic's. The SDK is imported with the first request: it costs two seconds and 60 MB."""

    extractive = False

    def __init__(
        self, model: str, key: str, *, base_url: str | None, timeout_s: float, context_tokens: int | None
    ) -> None:
        self._model = model
        self._key = key
        self._base_url = base_url
        self._timeout_s = timeout_s
        self._client: AsyncAnthropic | None = None
        self.context_tokens = context_tokens or window_of(model)

    @property
    def name(self) -> str:
        return f"{PROVIDER}:{self._model}"

    async def reply(self, request: ModelRequest, listener: Listener) -> ModelReply:
        client: Any = await self._open()
        with as_model_errors("Anthropic"):
            stream: Any = await client.messages.create(**self._parameters(request), stream=True)
            try:
                return await _read(lively(stream, self._timeout_s), listener, self._model)
            finally:
                await stream.close()

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()

    async def _open(self) -> AsyncAnthropic:
        sdk = await imported("anthropic")
        # Retries are made above, where the chain of models is known.
        if self._client is None:
            client: AsyncAnthropic = sdk.AsyncAnthropic(
                api_key=self._key, base_url=self._base_url, timeout=self._timeout_s, max_retries=0
            )
            self._client = client
        return self._client

    def _parameters(self, request: ModelRequest) -> dict[str, Any]:
        tools: list[dict[str, Any]] = [
            {"name": tool.name, "description": tool.description, "input_schema": dict(tool.parameters)}
            for tool in request.tools
        ]
        if tools:
            tools[-1] |= _CACHED
        parameters: dict[str, Any] = {
            "model": self._model,
            "max_tokens": request.max_output_tokens,
            "system": [{"type": "text", "text": request.system, **_CACHED}],
            "messages": _messages(request.messages),
        }
        if tools:
            parameters["tools"] = tools
        return parameters | _thinking(request)


def _thinking(request: ModelRequest) -> dict[str, Any]:
    """How much the model may think. A budget is counted on top of what it may say: the API takes it out of max_tokens."""
    if request.thinking == "adaptive" and not _by_others(request.messages):
        return {"thinking": {"type": "adaptive"}}
    if request.thinking.isdigit() and _thinking_continues(request.messages):
        budget = max(_LEAST_THINKING, int(request.thinking))
        return {
            "thinking": {"type": "enabled", "budget_tokens": budget},
            "max_tokens": request.max_output_tokens + budget,
        }
    return {}


def _by_others(messages: Sequence[ChatMessage]) -> bool:
    """Whether a turn was thought by another provider's model, before a fallback."""
    return any(
        isinstance(block, Thinking) and block.provider != PROVIDER
        for message in messages
        for block in message.blocks
    )


def _thinking_continues(messages: Sequence[ChatMessage]) -> bool:
    """Whether each turn of the model that called tools carries its thinking: with a budget, the API insists on it.

    A turn of another provider's model, from before a fallback, carries none.
    """
    return all(
        any(isinstance(block, Thinking) and block.provider == PROVIDER for block in message.blocks)
        for message in messages
        if message.role == "assistant" and any(isinstance(block, ToolUse) for block in message.blocks)
    )


def _messages(messages: Sequence[ChatMessage]) -> list[dict[str, Any]]:
    written = [
        {"role": message.role, "content": [part for block in message.blocks if (part := _block(block))]}
        for message in messages
    ]
    written = [message for message in written if message["content"]]
    if written:
        written[-1]["content"][-1] |= _CACHED  # pyright: ignore[reportArgumentType, reportIndexIssue, reportOperatorIssue] a list of dicts
    return written


def _block(block: Block) -> dict[str, Any] | None:
    match block:
        case Text():
            return {"type": "text", "text": block.text} if block.text.strip() else None
        case ToolUse():
            return {"type": "tool_use", "id": block.id, "name": block.name, "input": dict(block.arguments)}
        case ToolResult():
            return {
                "type": "tool_result",
                "tool_use_id": block.id,
                "content": block.text,
                "is_error": block.is_error,
            }
        case Thinking():
            return dict(block.raw) if block.provider == PROVIDER else None
        case Media():
            source = {
                "type": "base64",
                "media_type": block.media_type,
                "data": base64.b64encode(block.data).decode(),
            }
            return {
                "type": "document" if block.media_type == "application/pdf" else "image",
                "source": source,
            }


@dataclass(slots=True)
class _Reading:
    """A reply as far as it has come."""

    model: str
    blocks: list[Block] = field(default_factory=list[Block])
    opened: Any = None
    text: str = ""
    usage: Usage = field(default_factory=lambda: Usage(requests=1))
    stop: str | None = None
    ended: bool = False


async def _read(stream: AsyncIterator[Any], listener: Listener, model: str) -> ModelReply:
    reading = _Reading(model)
    async for event in stream:
        await _take(event, reading, listener)
    if not reading.ended:
        raise ModelUnreachable("Anthropic broke off its answer.")
    stops = {"tool_use": "tool_use", "max_tokens": "max_tokens", "model_context_window_exceeded": "max_tokens", "refusal": "refusal"}  # fmt: skip
    stop: Any = stops.get(reading.stop or "", "end")
    blocks = cut_off(reading.blocks) if stop == "max_tokens" else tuple(reading.blocks)
    return ModelReply(blocks=blocks, stop=stop, usage=reading.usage, model=reading.model)


async def _take(event: Any, reading: _Reading, listener: Listener) -> None:
    match event.type:
        case "message_start":
            reading.model = event.message.model or reading.model
            _count(reading.usage, event.message.usage)
        case "content_block_start":
            reading.opened, reading.text = event.content_block.model_dump(exclude_none=True), ""
            if reading.opened["type"] == "tool_use":
                await listener.tool(reading.opened["name"])
        case "content_block_delta":
            await _add(event.delta, reading, listener)
        case "content_block_stop":
            _close(reading)
        case "message_delta":
            reading.stop = event.delta.stop_reason
            _count(reading.usage, event.usage)
        case "message_stop":
            reading.ended = True
        case _:
            pass  # pings, and kinds of events that are newer than this


async def _add(delta: Any, reading: _Reading, listener: Listener) -> None:
    match delta.type:
        case "text_delta":
            reading.text += delta.text
            await listener.text(delta.text)
        case "input_json_delta":
            reading.text += delta.partial_json
        case "thinking_delta":
            reading.opened["thinking"] = reading.opened.get("thinking", "") + delta.thinking
        case "signature_delta":
            reading.opened["signature"] = reading.opened.get("signature", "") + delta.signature
        case _:
            pass


def _close(reading: _Reading) -> None:
    opened, reading.opened = reading.opened, None
    if opened is None:
        return
    kind = opened["type"]
    if kind == "text":
        reading.blocks.append(Text(encodable(opened.get("text", "") + reading.text)))
    elif kind == "tool_use":
        reading.blocks.append(tool_use(opened["id"], opened["name"], reading.text or _whole_input(opened)))
    elif kind in ("thinking", "redacted_thinking"):
        reading.blocks.append(Thinking(PROVIDER, opened))


def _whole_input(opened: dict[str, Any]) -> str:
    """The input of a call that came with its beginning, as compatible servers send it."""
    return json.dumps(opened.get("input") or {})


def _count(usage: Usage, told: Any) -> None:
    """Counts in the stream are totals so far, not additions."""
    usage.input_tokens = _number(told, "input_tokens", usage.input_tokens)
    usage.output_tokens = _number(told, "output_tokens", usage.output_tokens)
    usage.cache_read_tokens = _number(told, "cache_read_input_tokens", usage.cache_read_tokens)
    usage.cache_write_tokens = _number(told, "cache_creation_input_tokens", usage.cache_write_tokens)


def _number(told: Any, name: str, before: int) -> int:
    value = getattr(told, name, None)
    return before if value is None else int(value)
