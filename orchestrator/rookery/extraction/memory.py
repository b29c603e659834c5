"""The memory server as extraction uses it: turns are read and facts remembered in the name of who added the turns."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from rookery.agent.question import ToolCall
from rookery.extraction.replacing import Known, Stored
from rookery.extraction.turns import NewTurns, Said
from rookery.mcp.asking import request_meta
from rookery.mcp.results import read_result
from rookery_core.errors import NotAllowed, Unavailable
from rookery_core.queue import PermanentFailure, RetryLater

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rookery.extraction.facts import Fact
    from rookery.mcp.connection import Connection

AUDIENCE = "rookery-memory"
TAG = "extracted"
LONGEST_SOURCE = 2000
_TRANSIENT = {"unavailable", "database_starting", "rate_limited", "internal"}


class Memory:
    """For one event: `told` says whose turns they are, and every call is made as that person and for that scope.

    context_key signs who asks. Without one, only turns that belong to nobody in particular (`local`) can be used: a
    server that is not told who asks would take the facts of one person for everybody's.
    """

    def __init__(
        self, connection: Connection, told: NewTurns, *, context_key: str | None, trace: str, timeout_s: float
    ) -> None:
        self._connection = connection
        self._told = told
        self._key = context_key
        self._trace = trace
        self._timeout_s = timeout_s
        if told.caller.kind != "anonymous" and not (context_key and connection.server.entry.audience):
            raise NotAllowed(
                "The memory server cannot be told who asks.",
                hint="Set ROOKERY_CONTEXT_KEY on both, and `audience` of the server in mcp.json.",
            )

    async def turns(self, first: int, last: int) -> list[Said]:
        """The turns from one position to another; none when they were erased meanwhile."""
        found: list[Said] = []
        following: int | None = first
        while following is not None and following <= last:
            uri = self._told.address(following, last)
            page = json.loads(await self._connection.read(uri, timeout_s=self._timeout_s, meta=self._meta()))
            found += [Said(**turn) for turn in page["turns"]]
            following = page["next"]
        return found

    async def remember(self, fact: Fact, turns: Sequence[Said], replaces: Sequence[str] = ()) -> Stored:
        """Store a fact beside the turns it was drawn from. A fact that is known word for word stays one.

        replaces: ids of what it makes untrue. Raises RetryLater while the server cannot, PermanentFailure when the
        scope is not open to the caller.
        """
        told, dates = self._told, [turn.said_at for turn in turns if turn.said_at]
        source = told.address(turns[0].position, turns[-1].position)
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
        result = await self._connection.call(
            "remember", arguments, timeout_s=self._timeout_s, meta=self._meta(), repeat=True
        )
        answer = read_result(result)
        if answer.is_error:
            _raise_unless_it_is_the_facts_fault(answer.structured, answer.text)
        # The trace says where the fact is, not what it says: what is erased from memory is nowhere else.
        kept = {name: arguments[name] for name in ("scope", "conversation", "turns", "replaces")}
        call = ToolCall(
            server=self._connection.name,
            tool="remember",
            arguments=kept,
            state="error" if answer.is_error else "ok",
            duration_ms=0.0,
            summary=answer.text[:300] if answer.is_error else "",
        )
        return Stored(fact, turns, () if answer.is_error else _similar(answer.structured), call)

    def _meta(self) -> dict[str, Any]:
        audience = self._connection.server.entry.audience
        return request_meta(self._trace, self._told.caller, key=self._key, audience=audience)


def _similar(structured: Any) -> list[Known]:
    found: list[Any] = structured["similar"]
    return [
        Known(one["id"], one["content"], datetime.fromisoformat(one["valid_from"]), one.get("pinned", False))
        for one in found
    ]


def _raise_unless_it_is_the_facts_fault(structured: Any, text: str) -> None:
    told = cast(dict[str, Any], structured) if isinstance(structured, dict) else {}
    code, message = str(told.get("code")), str(told.get("message") or text)[:300]
    if code in _TRANSIENT:
        raise RetryLater(float(told.get("retry_after_s") or 30), message, counts=code == "internal")
    if code == "not_allowed":
        raise PermanentFailure(message)


def unavailable(error: Unavailable, least_s: float = 15.0) -> RetryLater:
    """Waiting for a server or a model is nobody's failure."""
    return RetryLater(max(error.retry_after_s or 0.0, least_s), str(error), counts=False)
