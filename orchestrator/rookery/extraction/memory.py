"""The memory server as extraction uses it: turns are read and facts remembered in the name of who added the turns."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rookery.extraction.replacement import Known, Stored
from rookery.extraction.turns import NewTurns, Said
from rookery.mcp.memory_client import MemoryClient
from rookery.traces.records import ToolCall
from rookery_core.text import unfenced

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rookery.extraction.facts import Fact

TAG = "extracted"
LONGEST_SOURCE = 2000


class Memory:
    """For one event: `told` says whose turns they are, and every call of `client` is made as that person."""

    def __init__(self, client: MemoryClient, told: NewTurns) -> None:
        self._client = client
        self._told = told

    async def turns(self, first: int, last: int) -> list[Said]:
        """The turns from one position to another; none when they were erased meanwhile."""
        found: list[Said] = []
        following: int | None = first
        while following is not None and following <= last:
            uri = self._told.address(following, last)
            page = json.loads(await self._client.read(uri))
            found += [Said(**turn) for turn in page["turns"]]
            following = page["next"]
        return found

    async def remember(self, fact: Fact, turns: Sequence[Said], replaces: Sequence[str] = ()) -> Stored:
        """Store a fact beside the turns it was drawn from. A fact that is known word for word stays one.

        replaces: ids of what it makes untrue. Raises Unavailable while the server cannot, NotAllowed when the scope is
        not open to the caller.
        """
        told, dates = self._told, [turn.said_at for turn in turns if turn.said_at]
        source = told.origin(turns[0].position, turns[-1].position)
        arguments: dict[str, Any] = {
            "content": fact.content,
            "kind": fact.kind,
            "scope": told.scope_name,
            "source": source if len(source) <= LONGEST_SOURCE else "",
            "tags": [TAG],
            "valid_from": max(dates, default=""),
            "conversation": told.conversation,
            "turns": [turn.id for turn in turns],
            "replaces": list(replaces),
        }
        answer = await self._client.call("remember", arguments)
        # The trace says where the fact is, not what it says: what is erased from memory is nowhere else.
        kept = {name: arguments[name] for name in ("scope", "conversation", "turns", "replaces")}
        call = ToolCall(
            server=self._client.name,
            tool="remember",
            arguments=kept,
            state="error" if answer.is_error else "ok",
            duration_ms=0.0,
            summary=answer.problem,
        )
        return Stored(fact, turns, () if answer.is_error else _similar(answer.structured), call)


def _similar(structured: Any) -> list[Known]:
    found: list[Any] = structured["similar"]
    return [
        Known(
            one["id"],
            unfenced(one["content"]),
            datetime.fromisoformat(one["valid_from"]),
            one.get("pinned", False),
        )
        for one in found
    ]
