"""OpenAI's Chat Completions, and what speaks the same: Ollama, vLLM, LM Studio and others by OPENAI_BASE_URL."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from rookery.models.arguments import tool_use
from rookery.models.failures import as_model_errors
from rookery.models.openai_client import OpenAIClient
from rookery.models.protocol import (
    Block,
    Listener,
    Media,
    Message,
    ModelReply,
    ModelRequest,
    ModelUnreachable,
    Text,
    ToolResult,
    ToolUse,
)
from rookery.models.usage import Usage


class OpenAIChat(OpenAIClient):
    """A model behind /chat/completions."""

    provider = "openai"

    async def reply(self, request: ModelRequest, listener: Listener) -> ModelReply:
        client: Any = await self.client()
        with as_model_errors("The OpenAI-compatible server"):
            stream = await client.chat.completions.create(**self._parameters(request))
            try:
                return await _read(stream, listener, self.model)
            finally:
                await stream.close()

    def _parameters(self, request: ModelRequest) -> dict[str, Any]:
        parameters: dict[str, Any] = {
            "model": self.model,
            "messages": [{"role": "system", "content": request.system}, *_messages(request.messages)],
            "stream": True,
            "stream_options": {"include_usage": True},
            # OpenAI's own models refuse the old name, many compatible servers do not know the new one.
            "max_completion_tokens" if self.official else "max_tokens": request.max_output_tokens,
        }
        if request.tools:
            parameters["tools"] = [
                {
                    "type": "function",
                    "function": {
                        "name": tool.name,
                        "description": tool.description,
                        "parameters": dict(tool.parameters),
                    },
                }
                for tool in request.tools
            ]
        return parameters


def _messages(messages: Sequence[Message]) -> list[dict[str, Any]]:
    written: list[dict[str, Any]] = []
    for message in messages:
        written += _assistant(message) if message.role == "assistant" else _user(message)
    return written


def _assistant(message: Message) -> list[dict[str, Any]]:
    text = "".join(block.text for block in message.blocks if isinstance(block, Text))
    calls = [
        {
            "id": block.id,
            "type": "function",
            "function": {
                "name": block.name,
                "arguments": json.dumps(dict(block.arguments), ensure_ascii=False),
            },
        }
        for block in message.blocks
        if isinstance(block, ToolUse)
    ]
    return [{"role": "assistant", "content": text or None, **({"tool_calls": calls} if calls else {})}]


def _user(message: Message) -> list[dict[str, Any]]:
    """Results are messages of their own, before the words that stand beside them."""
    results = [
        {"role": "tool", "tool_call_id": block.id, "content": block.text}
        for block in message.blocks
        if isinstance(block, ToolResult)
    ]
    parts = [part for block in message.blocks if (part := _part(block))]
    if not parts:
        return results
    only_text = len(parts) == 1 and parts[0]["type"] == "text"
    return [*results, {"role": "user", "content": parts[0]["text"] if only_text else parts}]


def _part(block: Block) -> dict[str, Any] | None:
    if isinstance(block, Text) and block.text.strip():
        return {"type": "text", "text": block.text}
    if isinstance(block, Media):
        url = f"data:{block.media_type};base64,{base64.b64encode(block.data).decode()}"
        if block.media_type.startswith("image/"):
            return {"type": "image_url", "image_url": {"url": url}}
        return {"type": "file", "file": {"filename": block.name, "file_data": url}}
    return None


@dataclass(slots=True)
class _Call:
    id: str = ""
    name: str = ""
    arguments: str = ""


@dataclass(slots=True)
class _Reading:
    model: str
    text: str = ""
    calls: dict[int, _Call] = field(default_factory=dict[int, _Call])
    finish: str | None = None
    usage: Usage = field(default_factory=lambda: Usage(requests=1))


async def _read(stream: AsyncIterator[Any], listener: Listener, model: str) -> ModelReply:
    reading = _Reading(model)
    async for chunk in stream:
        reading.model = chunk.model or reading.model
        if chunk.usage:
            _count(reading.usage, chunk.usage)
        if chunk.choices:
            await _take(chunk.choices[0], reading, listener)
    if reading.finish is None:
        raise ModelUnreachable("The OpenAI-compatible server broke off its answer.")
    blocks: list[Block] = [Text(reading.text)] if reading.text else []
    blocks += [
        tool_use(call.id or f"call-{index}", call.name, call.arguments)
        for index, call in sorted(reading.calls.items())
    ]
    stops: dict[str, Any] = {"length": "max_tokens", "content_filter": "refusal"}
    stop = "tool_use" if reading.calls and reading.finish != "length" else stops.get(reading.finish, "end")
    return ModelReply(blocks=tuple(blocks), stop=stop, usage=reading.usage, model=reading.model)


async def _take(choice: Any, reading: _Reading, listener: Listener) -> None:
    delta = choice.delta
    if delta and delta.content:
        reading.text += delta.content
        await listener.text(delta.content)
    for part in (delta and delta.tool_calls) or ():
        call = reading.calls.setdefault(part.index if part.index is not None else len(reading.calls), _Call())
        call.id = part.id or call.id
        if part.function and part.function.name:
            call.name += part.function.name
            await listener.tool(call.name)
        if part.function and part.function.arguments:
            call.arguments += part.function.arguments
    reading.finish = choice.finish_reason or reading.finish


def _count(usage: Usage, told: Any) -> None:
    details = getattr(told, "prompt_tokens_details", None)
    cached = (getattr(details, "cached_tokens", None) or 0) if details else 0
    usage.cache_read_tokens = cached
    usage.input_tokens = max(0, (told.prompt_tokens or 0) - cached)
    usage.output_tokens = told.completion_tokens or 0
