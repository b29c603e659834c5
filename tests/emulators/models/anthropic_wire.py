"""The Messages API as it looks on the wire."""

from __future__ import annotations

from typing import Any

from emulators.models.brains import Reply, Request

PIECE = 12  # characters in one delta


def request(body: dict[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...], str]:
    """Names of tools, texts of tool results, words of the last user message."""
    results: list[str] = []
    last = ""
    for message in body["messages"]:
        content = message["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        words = [block["text"] for block in blocks if block["type"] == "text"]
        if message["role"] == "user" and words:
            last = "\n".join(words)
        results += [str(block["content"]) for block in blocks if block["type"] == "tool_result"]
    return tuple(tool["name"] for tool in body.get("tools", [])), tuple(results), last


def events(reply: Reply, asked: Request, number: int) -> list[tuple[str | None, dict[str, Any] | str]]:
    """The events of one streamed message."""
    size = sum(len(str(message)) for message in asked.body["messages"]) // 4
    usage = {
        "input_tokens": size,
        "cache_creation_input_tokens": 7,
        "cache_read_input_tokens": 11,
        "output_tokens": 1,
    }
    found: list[dict[str, Any]] = [
        {
            "type": "message_start",
            "message": {
                "id": f"msg_{number}", "type": "message", "role": "assistant", "model": asked.body["model"], "content": [],
                "stop_reason": None, "stop_sequence": None, "usage": usage,
            },
        },
        {"type": "ping"},
    ]  # fmt: skip
    index = 0
    if reply.thinking:
        deltas: list[dict[str, Any]] = [
            {"type": "thinking_delta", "thinking": piece} for piece in pieces(reply.thinking)
        ]
        deltas.append({"type": "signature_delta", "signature": f"signed-{number}"})
        found += _block(index, {"type": "thinking", "thinking": "", "signature": ""}, deltas)
        index += 1
    if reply.text:
        found += _block(
            index,
            {"type": "text", "text": ""},
            [{"type": "text_delta", "text": piece} for piece in pieces(reply.text)],
        )
        index += 1
    for use in reply.uses:
        opened: dict[str, Any] = {
            "type": "tool_use",
            "id": f"toolu_{number}_{index}",
            "name": use.name,
            "input": {},
        }
        found += _block(
            index,
            opened,
            [{"type": "input_json_delta", "partial_json": piece} for piece in pieces(use.written)],
        )
        index += 1
    stop = (
        "tool_use" if reply.uses and reply.stop == "end" else {"end": "end_turn"}.get(reply.stop, reply.stop)
    )
    output = (len(reply.text) + sum(len(use.written) for use in reply.uses)) // 4 + 1
    found.append({"type": "message_delta", "delta": {"stop_reason": stop, "stop_sequence": None}, "usage": {"output_tokens": output}})  # fmt: skip
    found.append({"type": "message_stop"})
    return [(event["type"], event) for event in found]


def pieces(text: str) -> list[str]:
    return [text[i : i + PIECE] for i in range(0, len(text), PIECE)]


def _block(index: int, opened: dict[str, Any], deltas: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {"type": "content_block_start", "index": index, "content_block": opened},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]
