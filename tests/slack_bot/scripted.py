"""A model that does as the test says: the provider's side of the protocol, not the bot's."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from rookery.models.protocol import Listener, ModelReply, ModelRequest, Text, ToolUse
from rookery.usage import Usage

Step = Callable[[ModelRequest, Listener], Awaitable[ModelReply]]


@dataclass
class ScriptedModel:
    """Answers with `answer(question)`, streamed in pieces; steps that a test queues come first."""

    answer: Callable[[str], str] = lambda question: f"The answer to: {question}"
    pieces: int = 3
    steps: list[Step] = field(default_factory=list[Step])
    requests: list[ModelRequest] = field(default_factory=list[ModelRequest])
    name: str = "scripted:test"
    context_tokens: int = 100_000
    extractive: bool = False

    async def reply(self, request: ModelRequest, listener: Listener) -> ModelReply:
        self.requests.append(request)
        if self.steps:
            return await self.steps.pop(0)(request, listener)
        text = self.answer(request.question)
        size = max(1, -(-len(text) // self.pieces))
        for start in range(0, len(text), size):
            await listener.text(text[start : start + size])
            await asyncio.sleep(0)
        return reply_of(text)

    async def close(self) -> None:
        return None


def reply_of(text: str, uses: Sequence[ToolUse] = ()) -> ModelReply:
    blocks = (*([Text(text)] if text else []), *uses)
    return ModelReply(
        blocks=blocks, stop="tool_use" if uses else "end", usage=Usage(requests=1), model="scripted:test"
    )


def failing(error: Exception) -> Step:
    """A step at which the provider fails."""

    async def fail(request: ModelRequest, listener: Listener) -> ModelReply:
        raise error

    return fail


def calling(*uses: ToolUse) -> Step:
    """A step at which the model calls tools."""

    async def call(request: ModelRequest, listener: Listener) -> ModelReply:
        return reply_of("", uses)

    return call


@dataclass
class Gate:
    """A step that streams a beginning, says that it is there, and goes on when it is let."""

    beginning: str
    rest: str
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    go: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, request: ModelRequest, listener: Listener) -> ModelReply:
        await listener.text(self.beginning)
        self.reached.set()
        await self.go.wait()
        await listener.text(self.rest)
        return reply_of(self.beginning + self.rest)
