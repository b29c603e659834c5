"""The orchestrator's client of the memory server: each call names its caller, whose scopes the server enforces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rookery_core.errors import NotAllowed, RookeryError, Unavailable
from rookery_core.mcp.request_meta import request_meta
from rookery_core.mcp.results import read_result

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rookery_core.identity import Caller
    from rookery_core.mcp.connection import Connection
    from rookery_core.mcp.results import ToolAnswer
    from rookery_core.mcp.server_group import ServerGroup

AUDIENCE = "rookery-memory"
_TRANSIENT = frozenset({"unavailable", "database_starting", "rate_limited"})


def find_memory_server(servers: ServerGroup) -> Connection | None:
    """The server whose audience is `rookery-memory`: it learns who asks."""
    return next(
        (connection for connection in servers.connections if connection.server.entry.audience == AUDIENCE),
        None,
    )


class MemoryClient:
    """The memory server for one person.

    context_key signs who asks. Without one only what belongs to nobody in particular (`local`) can be used: a server
    that does not learn who asks would share one person's memory with everybody. Raises NotAllowed.
    """

    def __init__(
        self, connection: Connection, caller: Caller, *, context_key: str | None, trace: str, timeout_s: float
    ) -> None:
        self.name = connection.name
        self._connection = connection
        self._caller = caller
        self._key = context_key
        self._trace = trace
        self._timeout_s = timeout_s
        if caller.kind != "anonymous" and not (context_key and connection.server.entry.audience):
            raise NotAllowed(
                "The memory server does not learn who asks.",
                hint="Set ROOKERY_CONTEXT_KEY on both, and `audience` of the server in mcp.json.",
            )

    async def call(self, tool: str, arguments: Mapping[str, Any], *, repeat: bool = True) -> ToolAnswer:
        """What a tool answers, its complaints about the arguments included.

        repeat: a call that was lost is made once more, when the server is back. Raises Unavailable while the server
        cannot answer, NotAllowed when the scope is not the caller's, RookeryError when the server itself fails.
        """
        result = await self._connection.call(
            tool, arguments, timeout_s=self._timeout_s, meta=self._meta(), repeat=repeat
        )
        answer = read_result(result)
        if answer.is_error:
            _raise_unless_the_arguments_are_at_fault(answer)
        return answer

    async def read(self, uri: str) -> str:
        """The text of a resource. Raises Unavailable, or RookeryError when the server refuses."""
        return await self._connection.read(uri, timeout_s=self._timeout_s, meta=self._meta())

    def _meta(self) -> dict[str, Any]:
        audience = self._connection.server.entry.audience
        return request_meta(self._trace, self._caller, key=self._key, audience=audience)


def _raise_unless_the_arguments_are_at_fault(answer: ToolAnswer) -> None:
    code = answer.values.get("code")
    if code in _TRANSIENT:
        raise Unavailable(answer.problem, retry_after_s=float(answer.values.get("retry_after_s") or 0.0))
    if code == "not_allowed":
        raise NotAllowed(answer.problem)
    if code == "internal":
        raise RookeryError(answer.problem)
