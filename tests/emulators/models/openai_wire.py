"""Chat Completions and Responses as they look on the wire."""

from __future__ import annotations

from typing import Any

from emulators.models.anthropic_wire import pieces
from emulators.models.brains import Reply, Request

Events = list[tuple[str | None, dict[str, Any] | str]]


def chat_request(body: dict[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...], str]:
    """Names of tools, texts of tool results, words of the last user message."""
    results = [str(message["content"]) for message in body["messages"] if message["role"] == "tool"]
    words = [message["content"] for message in body["messages"] if message["role"] == "user"]
    last: Any = words[-1] if words else ""
    if not isinstance(last, str):
        last = "\n".join(part["text"] for part in last if part["type"] == "text")
    return tuple(tool["function"]["name"] for tool in body.get("tools", [])), tuple(results), str(last)


def chat_events(reply: Reply, asked: Request, number: int) -> Events:
    """The chunks of one streamed completion."""
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": piece} for piece in pieces(reply.text)]
    for index, use in enumerate(reply.uses):
        head = {
            "index": index,
            "id": f"call_{number}_{index}",
            "type": "function",
            "function": {"name": use.name, "arguments": ""},
        }
        deltas.append({"tool_calls": [head]})
        deltas += [
            {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}
            for piece in pieces(use.written)
        ]
    finish = {
        "end": "tool_calls" if reply.uses else "stop",
        "max_tokens": "length",
        "refusal": "content_filter",
    }[reply.stop]
    chunks = [
        _chunk(asked, number, [{"index": 0, "delta": delta, "finish_reason": None}]) for delta in deltas
    ]
    chunks.append(_chunk(asked, number, [{"index": 0, "delta": {}, "finish_reason": finish}]))
    size = sum(len(str(message)) for message in asked.body["messages"]) // 4
    usage = {
        "prompt_tokens": size + 11,
        "completion_tokens": len(reply.text) // 4 + 1,
        "total_tokens": size + 12 + len(reply.text) // 4,
        "prompt_tokens_details": {"cached_tokens": 11},
    }
    chunks.append(_chunk(asked, number, []) | {"usage": usage})
    return [*((None, chunk) for chunk in chunks), (None, "[DONE]")]


def _chunk(asked: Request, number: int, choices: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{number}",
        "object": "chat.completion.chunk",
        "created": 1_790_000_000,
        "model": asked.body["model"],
        "choices": choices,
    }


def responses_request(body: dict[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...], str]:
    """Names of tools, texts of tool results, words of the last user message."""
    for place, tool in enumerate(body.get("tools", [])):
        if tool.get("type", "function") == "function" and not tool.get("name"):
            raise ValueError(f"Missing required parameter: 'tools[{place}].name'.")
    results = [str(item["output"]) for item in body["input"] if item.get("type") == "function_call_output"]
    last = ""
    for item in body["input"]:
        if item.get("role") == "user":
            last = "\n".join(part["text"] for part in item["content"] if part["type"] == "input_text")
    return tuple(tool.get("name", tool.get("type")) for tool in body.get("tools", [])), tuple(results), last


def responses_events(reply: Reply, asked: Request, number: int) -> Events:
    """The events of one streamed response."""
    response = _response(asked, number, [], "in_progress")
    found: list[dict[str, Any]] = [{"type": "response.created", "response": response}]
    output = _output(reply, number)
    for index, item in enumerate(output):
        found.append({"type": "response.output_item.added", "output_index": index, "item": item})
        if item["type"] == "message":
            found += [
                {
                    "type": "response.output_text.delta", "item_id": item["id"], "output_index": index,
                    "content_index": 0, "delta": piece, "logprobs": [],
                }
                for piece in pieces(reply.text)
            ]  # fmt: skip
        found.append({"type": "response.output_item.done", "output_index": index, "item": item})
    ended = _response(asked, number, output, "completed" if reply.stop == "end" else "incomplete")
    if reply.stop != "end":
        ended["incomplete_details"] = {
            "reason": "content_filter" if reply.stop == "refusal" else "max_output_tokens"
        }
    found.append({"type": f"response.{ended['status']}", "response": ended})
    return [(event["type"], event | {"sequence_number": place}) for place, event in enumerate(found)]


def _output(reply: Reply, number: int) -> list[dict[str, Any]]:
    output: list[dict[str, Any]] = []
    if reply.thinking:
        output.append(
            {
                "type": "reasoning",
                "id": f"rs_{number}",
                "summary": [],
                "encrypted_content": f"sealed-{number}",
            }
        )
    if reply.text:
        content: list[dict[str, Any]] = [{"type": "output_text", "text": reply.text, "annotations": []}]
        output.append(
            {
                "type": "message",
                "id": f"msg_{number}",
                "role": "assistant",
                "status": "completed",
                "content": content,
            }
        )
    for index, use in enumerate(reply.uses):
        output.append(
            {
                "type": "function_call", "id": f"fc_{number}_{index}", "call_id": f"call_{number}_{index}",
                "name": use.name, "arguments": use.written, "status": "completed",
            }
        )  # fmt: skip
    return output


def _response(asked: Request, number: int, output: list[dict[str, Any]], status: str) -> dict[str, Any]:
    size = len(str(asked.body["input"])) // 4
    return {
        "id": f"resp_{number}", "object": "response", "created_at": 1_790_000_000, "status": status,
        "model": asked.body["model"], "output": output, "parallel_tool_calls": True, "tool_choice": "auto", "tools": [],
        "error": None, "incomplete_details": None, "instructions": None, "metadata": {}, "temperature": 1.0, "top_p": 1.0,
        "usage": {
            "input_tokens": size + 11, "input_tokens_details": {"cached_tokens": 11},
            "output_tokens": 5, "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": size + 16,
        },
    }  # fmt: skip
