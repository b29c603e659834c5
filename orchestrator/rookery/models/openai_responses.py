"""OpenAI's Responses API. Nothing is stored there; reasoning goes back encrypted."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Sequence
from itertools import groupby
from typing import Any

from rookery.models.arguments import cut_off, tool_use
from rookery.models.failures import as_model_errors
from rookery.models.openai_client import OpenAIClient
from rookery.models.protocol import (
    Block,
    ChatMessage,
    ContextTooLong,
    Listener,
    Media,
    ModelOverloaded,
    ModelReply,
    ModelRequest,
    ModelUnreachable,
    Text,
    Thinking,
    ToolResult,
    ToolUse,
)
from rookery.models.stall_detection import lively
from rookery.usage import Usage
from rookery_core.text import encodable

PROVIDER = "openai-responses"


class OpenAIResponses(OpenAIClient):
    """A model behind /responses."""

    provider = PROVIDER

    async def reply(self, request: ModelRequest, listener: Listener) -> ModelReply:
        client: Any = await self.client()
        with as_model_errors("OpenAI"):
            stream = await client.responses.create(**self._parameters(request))
            try:
                return await _read(lively(stream, self.timeout_s), listener)
            finally:
                await stream.close()

    def _parameters(self, request: ModelRequest) -> dict[str, Any]:
        parameters: dict[str, Any] = {
            "model": self.model,
            "instructions": request.system,
            "input": _items(request.messages),
            "max_output_tokens": request.max_output_tokens,
            "store": False,
            "stream": True,
            "include": ["reasoning.encrypted_content"],
        }
        if request.tools:
            parameters["tools"] = [
                {
                    "type": "function",
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": dict(tool.parameters),
                    "strict": False,
                }
                for tool in request.tools
            ]
        return parameters


def _items(messages: Sequence[ChatMessage]) -> list[dict[str, Any]]:
    """The conversation in its order: a reasoning item has to stand before what it led to."""
    items: list[dict[str, Any]] = []
    for message in messages:
        for are_words, blocks in groupby(message.blocks, lambda block: isinstance(block, Text | Media)):
            if not are_words:
                items += [item for block in blocks if (item := _item(block))]
            elif parts := [part for block in blocks if (part := _part(block, message.role))]:
                items.append({"role": message.role, "content": parts})
    return items


def _item(block: Block) -> dict[str, Any] | None:
    match block:
        case ToolUse():
            arguments = json.dumps(dict(block.arguments), ensure_ascii=False)
            return {"type": "function_call", "call_id": block.id, "name": block.name, "arguments": arguments}
        case ToolResult():
            return {"type": "function_call_output", "call_id": block.id, "output": block.text}
        case Thinking():
            return dict(block.raw) if block.provider == PROVIDER else None
        case _:
            return None


def _part(block: Block, role: str) -> dict[str, Any] | None:
    if isinstance(block, Text):
        kind = "output_text" if role == "assistant" else "input_text"
        return {"type": kind, "text": block.text} if block.text.strip() else None
    if not isinstance(block, Media):
        return None
    url = f"data:{block.media_type};base64,{base64.b64encode(block.data).decode()}"
    if block.media_type.startswith("image/"):
        return {"type": "input_image", "image_url": url, "detail": "auto"}
    return {"type": "input_file", "filename": block.name, "file_data": url}


async def _read(stream: AsyncIterator[Any], listener: Listener) -> ModelReply:
    done: list[Any] = []
    async for event in stream:
        match event.type:
            case "response.output_text.delta" | "response.refusal.delta":
                await listener.text(event.delta)
            case "response.output_item.added" if event.item.type == "function_call":
                await listener.tool(event.item.name)
            case "response.output_item.done":
                done.append(event.item)
            case "response.completed" | "response.incomplete":
                return _reply(event.response, event.response.output or done)
            case "response.failed":
                raise _failure(event.response.error)
            case "error":
                raise _failure(event)
            case _:
                pass
    raise ModelUnreachable("OpenAI broke off its answer.")


def _reply(response: Any, output: Sequence[Any]) -> ModelReply:
    blocks: list[Block] = []
    refused = False
    for item in output:
        if item.type == "message":
            blocks += [
                Text(encodable(part.refusal if part.type == "refusal" else part.text))
                for part in item.content
            ]
            refused = refused or any(part.type == "refusal" for part in item.content)
        elif item.type == "function_call":
            blocks.append(tool_use(item.call_id, item.name, item.arguments))
        elif item.type == "reasoning":
            blocks.append(Thinking(PROVIDER, item.model_dump(exclude_none=True)))
    calls = any(isinstance(block, ToolUse) for block in blocks)
    stop: Any = "tool_use" if calls else "refusal" if refused else "end"
    if response.status == "incomplete":
        reason = getattr(response.incomplete_details, "reason", "")
        stop = "refusal" if reason == "content_filter" else "max_tokens"
    whole = cut_off(blocks) if stop == "max_tokens" else tuple(blocks)
    return ModelReply(blocks=whole, stop=stop, usage=_usage(response.usage), model=response.model)


def _usage(told: Any) -> Usage:
    if told is None:
        return Usage(requests=1)
    details = getattr(told, "input_tokens_details", None)
    cached = (getattr(details, "cached_tokens", None) or 0) if details else 0
    return Usage(
        input_tokens=max(0, told.input_tokens - cached),
        output_tokens=told.output_tokens,
        cache_read_tokens=cached,
        requests=1,
    )


def _failure(error: Any) -> Exception:
    code, message = str(getattr(error, "code", "") or ""), str(getattr(error, "message", "") or "failed")
    if code == "context_length_exceeded":
        return ContextTooLong(f"OpenAI: {message}")
    if code in ("rate_limit_exceeded", "server_is_overloaded"):
        return ModelOverloaded(f"OpenAI: {message}")
    return ModelUnreachable(f"OpenAI failed: {message}")
