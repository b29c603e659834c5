"""A model that needs no key: it turns a question into searches and their results into quotes with links."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, cast

from rookery.models.extractive.composer import compose
from rookery.models.extractive.days import periods_in
from rookery.models.extractive.queries import SEARCHES, first_round, second_round
from rookery.models.extractive.ranking import Ranked, rank
from rookery.models.protocol import Block, ChatMessage, Listener, ModelReply, ModelRequest, Text, ToolResult
from rookery.usage import Usage
from rookery_core.mcp.sources import Passage, passages

ENOUGH_COVERAGE = 0.45


class Extractive:
    """Searches with the question and its keywords, once more with fewer words when that found little, and quotes."""

    name = "extractive"
    context_tokens = 200_000
    extractive = True

    def __init__(self, searches: Sequence[str] = SEARCHES, today: Callable[[], date] = date.today) -> None:
        self._searches = tuple(searches)
        self._today = today

    async def reply(self, request: ModelRequest, listener: Listener) -> ModelReply:
        results = [
            block for message in request.messages for block in message.blocks if isinstance(block, ToolResult)
        ]
        rounds = sum(message.role == "assistant" for message in request.messages)
        periods = periods_in(request.question, self._today())
        uses: Sequence[Block] = (
            first_round(request.question, request.tools, self._searches, periods) if rounds == 0 else ()
        )
        if rounds == 0 and uses:
            return self._reply(uses, "tool_use")
        ranked = rank(request.question, _found(results), periods)
        if (
            rounds == 1
            and not _enough(ranked)
            and (uses := second_round(request.question, request.tools, self._searches))
        ):
            return self._reply(uses, "tool_use")
        text = compose(request.question, ranked, _failures(request.messages))
        await listener.text(text)
        return self._reply((Text(text),), "end")

    async def close(self) -> None:
        return

    def _reply(self, blocks: Sequence[Block], stop: str) -> ModelReply:
        return ModelReply(
            blocks=tuple(blocks),
            stop="tool_use" if stop == "tool_use" else "end",
            usage=Usage(requests=1),
            model=self.name,
        )


def _found(results: Sequence[ToolResult]) -> list[Passage]:
    found: list[Passage] = []
    for result in results:
        if not result.is_error and result.structured is not None:
            server, _, tool = result.name.partition("_")
            found += passages(result.structured, server, tool)
    return found


def _enough(ranked: Sequence[Ranked]) -> bool:
    return bool(ranked) and max(one.coverage for one in ranked[:3]) >= ENOUGH_COVERAGE


def _failures(messages: Sequence[ChatMessage]) -> dict[str, str]:
    """The servers whose searches all failed, and the first reason each gave."""
    state: dict[str, str | None] = {}
    for message in messages:
        for block in message.blocks:
            if isinstance(block, ToolResult):
                server = block.name.partition("_")[0]
                if not block.is_error:
                    state[server] = None
                else:
                    state.setdefault(server, _reason(block))
    return {server: reason for server, reason in state.items() if reason is not None}


def _reason(result: ToolResult) -> str:
    told: Any = result.structured
    message: Any = cast(dict[str, Any], told).get("message") if isinstance(told, dict) else None
    text = message if isinstance(message, str) else result.text.removeprefix("Tool call failed: ")
    return " ".join(text.split())[:200]
