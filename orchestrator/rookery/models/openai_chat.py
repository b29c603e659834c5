"""OpenAI's Chat Completions, and what speaks the same: Ollama, vLLM, LM Studio and others by OPENAI_BASE_URL."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from rookery.models.arguments import cut_off, tool_use
from rookery.models.failures import as_model_errors
from rookery.models.openai_client import OpenAIClient
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
from rookery.models.sizes import reply_tokens, request_tokens
from rookery.models.stall_detection import lively
from rookery.usage import Usage
from rookery_core.text import encodable

PROVIDER = "openai"
_REASONING = ("reasoning_content", "reasoning")
"""The names under which open models stream what they think; some refuse a conversation that lacks it later."""
_GIVEN_UP = frozenset({"abort", "error", "insufficient_system_resource"})
"""Reasons to finish of servers that could not go on."""


class OpenAIChat(OpenAIClient):
    """A model behind /chat/completions."""

    provider = PROVIDER

    async def reply(self, request: ModelRequest, listener: Listener) -> ModelReply:
        client: Any = await self.client()
        with as_model_errors("The OpenAI-compatible server"):
            stream = await client.chat.completions.create(**self._parameters(request))
            try:
                reply = await _read(lively(stream, self.timeout_s), listener, self.model)
            finally:
                await stream.close()
        if not reply.usage.total:  # not every server counts, and limits have to hold
            reply.usage.input_tokens, reply.usage.output_tokens = request_tokens(request), reply_tokens(reply)
        return reply

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


def _messages(messages: Sequence[ChatMessage]) -> list[dict[str, Any]]:
    written: list[dict[str, Any]] = []
    for message in messages:
        written += _assistant(message) if message.role == "assistant" else _user(message)
    return written


def _assistant(message: ChatMessage) -> list[dict[str, Any]]:
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
    written: dict[str, Any] = {"role": "assistant", "content": text or None}
    for block in message.blocks:
        if isinstance(block, Thinking) and block.provider == PROVIDER:
            written |= block.raw
    return [{**written, **({"tool_calls": calls} if calls else {})}]


def _user(message: ChatMessage) -> list[dict[str, Any]]:
    """Results are separate messages, before the text of the same turn."""
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
    index: int | None
    id: str = ""
    name: str = ""
    arguments: str = ""


_OPEN, _CLOSE = "<think>", "</think>"


@dataclass(slots=True)
class ThinkTags:
    """Removes the <think> block at the beginning of one streamed answer; later ones are part of its text."""

    _held: str = ""
    _state: str = "start"

    def take(self, piece: str) -> str:
        """The part of the text so far that belongs to the answer and was not returned before."""
        if self._state == "answer":
            return piece
        self._held += piece
        if self._state == "start":
            beginning = self._held.lstrip()
            if _OPEN.startswith(beginning[: len(_OPEN)]) and len(beginning) < len(_OPEN):
                return ""
            if not beginning.startswith(_OPEN):
                return self.finish()
            self._state = "thinking"
        if self._state == "thinking":
            _, closed, rest = self._held.partition(_CLOSE)
            if not closed:
                return ""
            self._held, self._state = rest, "gap"
        self._held = self._held.lstrip()
        return self.finish() if self._held else ""

    def finish(self) -> str:
        """The rest of the answer, once it is complete."""
        rest = "" if self._state == "thinking" else self._held
        self._held, self._state = "", "answer"
        return rest


@dataclass(slots=True)
class _Reading:
    model: str
    text: str = ""
    tags: ThinkTags = field(default_factory=ThinkTags)
    thought: dict[str, str] = field(default_factory=dict[str, str])
    calls: list[_Call] = field(default_factory=list[_Call])
    refused: bool = False
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
    await _take_text(reading.tags.finish(), reading, listener)
    if reading.finish is None or reading.finish in _GIVEN_UP:
        raise ModelUnreachable("The OpenAI-compatible server broke off its answer.")
    blocks: list[Block] = [Thinking(PROVIDER, reading.thought)] if reading.thought else []
    blocks += [Text(encodable(reading.text))] if reading.text else []
    blocks += [tool_use(call.id, call.name, call.arguments) for call in reading.calls]
    return ModelReply(
        blocks=cut_off(blocks) if reading.finish == "length" else tuple(blocks),
        stop=_stop(reading),
        usage=reading.usage,
        model=reading.model,
    )


def _stop(reading: _Reading) -> Any:
    if reading.refused or reading.finish == "content_filter":
        return "refusal"
    if reading.finish == "length":
        return "max_tokens"
    return "tool_use" if reading.calls else "end"


async def _take(choice: Any, reading: _Reading, listener: Listener) -> None:
    delta = choice.delta
    reading.finish = choice.finish_reason or reading.finish
    if not delta:
        return
    refusal = getattr(delta, "refusal", None)
    reading.refused = reading.refused or bool(refusal)
    await _take_text(reading.tags.take(_text_of(delta.content) or refusal or ""), reading, listener)
    for name in _REASONING:
        if thought := getattr(delta, name, None):
            reading.thought[name] = reading.thought.get(name, "") + thought
    for part in delta.tool_calls or ():
        await _take_call(part, reading.calls, listener)


async def _take_text(text: str, reading: _Reading, listener: Listener) -> None:
    if text:
        reading.text += text
        await listener.text(text)


def _text_of(content: Any) -> str:
    """The text of a message; some servers send a list of parts."""
    if not isinstance(content, list):
        return content or ""
    parts = cast(list[dict[str, Any] | str], content)
    return "".join(part if isinstance(part, str) else str(part.get("text") or "") for part in parts)


async def _take_call(part: Any, calls: list[_Call], listener: Listener) -> None:
    name, arguments = (part.function.name or "", part.function.arguments or "") if part.function else ("", "")
    if not isinstance(arguments, str):  # some servers send the object itself
        arguments = json.dumps(arguments, ensure_ascii=False)
    call = next((each for each in reversed(calls) if part.index in (None, each.index)), None)
    if call is None or (name and _another(part, call)):
        call = _Call(part.index, part.id or "")
        calls.append(call)
    if name and not call.name:
        call.name = name
        await listener.tool(name)
    call.arguments += arguments


def _another(part: Any, call: _Call) -> bool:
    """Whether a part with a name begins another call: some servers number all calls alike, or none, and send each whole."""
    if part.id:
        return part.id != call.id
    return part.index is None or _whole(call.arguments)


def _whole(arguments: str) -> bool:
    try:
        return bool(json.loads(arguments))
    except ValueError:
        return False


def _count(usage: Usage, told: Any) -> None:
    details = getattr(told, "prompt_tokens_details", None)
    cached = (getattr(details, "cached_tokens", None) or 0) if details else 0
    usage.cache_read_tokens = cached
    usage.input_tokens = max(0, (told.prompt_tokens or 0) - cached)
    usage.output_tokens = told.completion_tokens or 0
