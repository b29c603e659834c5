"""A model in this process that says what a test wants, where no wire is needed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from rookery.agent import Agent
from rookery.models.protocol import Block, Listener, ModelReply, ModelRequest, Text, ToolResult, ToolUse
from rookery.usage import Usage

Turn = str | Sequence[Block] | Exception


@dataclass
class ScriptedModel:
    """A model that answers from a list: a text, blocks, or an error to raise. Remembers what it was asked."""

    turns: list[Turn]
    name: str = "scripted:model"
    context_tokens: int = 100_000
    extractive: bool = False
    requests: list[ModelRequest] = field(default_factory=list[ModelRequest])
    hang: asyncio.Event | None = None

    async def reply(self, request: ModelRequest, listener: Listener) -> ModelReply:
        self.requests.append(request)
        turn = self.turns[min(len(self.requests), len(self.turns)) - 1]
        if self.hang:
            await self.hang.wait()
        if isinstance(turn, Exception):
            raise turn
        blocks: tuple[Block, ...] = (Text(turn),) if isinstance(turn, str) else tuple(turn)
        for block in blocks:
            if isinstance(block, Text):
                for start in range(0, len(block.text), 7):
                    await listener.text(block.text[start : start + 7])
        uses = any(isinstance(block, ToolUse) for block in blocks)
        usage = Usage(input_tokens=100, output_tokens=10, requests=1)
        return ModelReply(blocks=blocks, stop="tool_use" if uses else "end", usage=usage, model=self.name)

    async def close(self) -> None:
        return

    @property
    def asked(self) -> str:
        """The words of the first message of the first request."""
        return "".join(block.text for block in self.requests[0].messages[0].blocks if isinstance(block, Text))

    @property
    def results(self) -> list[str]:
        """The texts of the tool results in the last request."""
        return [
            block.text
            for message in self.requests[-1].messages
            for block in message.blocks
            if isinstance(block, ToolResult)
        ]


MakeAgent = Callable[..., tuple[Agent, ScriptedModel]]


def use(name: str, id: str = "1", **arguments: Any) -> ToolUse:
    return ToolUse(id, f"sample_{name}", arguments)
