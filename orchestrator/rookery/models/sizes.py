"""How much of a model's window something takes, estimated."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from rookery.models.protocol import (
    Block,
    Media,
    ModelReply,
    ModelRequest,
    Text,
    Thinking,
    ToolDefinition,
    ToolResult,
    ToolUse,
)
from rookery_core.text import estimate_tokens

MEDIA_TOKENS = 1600
"""Of an image, or of a page of a PDF."""
_PAGE = re.compile(rb"/Type\s*/Page\b")


def block_tokens(block: Block) -> int:
    """Tokens of one block."""
    match block:
        case Text():
            return estimate_tokens(block.text)
        case ToolUse():
            return estimate_tokens(block.name + json.dumps(dict(block.arguments), default=str)) + 10
        case ToolResult():
            return estimate_tokens(block.text) + 10
        case Thinking():
            return estimate_tokens(json.dumps(dict(block.raw), default=str))
        case Media():
            return MEDIA_TOKENS * max(1, len(_PAGE.findall(block.data)))


def tools_tokens(tools: Sequence[ToolDefinition]) -> int:
    return sum(
        estimate_tokens(tool.name + tool.description + json.dumps(dict(tool.parameters))) + 8
        for tool in tools
    )


def request_tokens(request: ModelRequest) -> int:
    """Tokens that a request takes."""
    blocks = (block for message in request.messages for block in message.blocks)
    return estimate_tokens(request.system) + tools_tokens(request.tools) + sum(map(block_tokens, blocks))


def reply_tokens(reply: ModelReply) -> int:
    """Tokens that a reply took."""
    return sum(map(block_tokens, reply.blocks))


def thinking_tokens(thinking: str) -> int:
    """What a budget of thoughts takes on top of the answer."""
    return int(thinking) if thinking.isdigit() else 0
