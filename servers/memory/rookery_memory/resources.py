"""Memories as resources: `memory://{scope}` lists a scope, `memory://{scope}/{id}` is one memory."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from rookery_core.errors import InvalidInput
from rookery_core.identity import current_caller
from rookery_memory.presenting import as_id, memory_item, within
from rookery_memory.scopes import ScopeName
from rookery_memory.service import MemoryService

if TYPE_CHECKING:
    from fastmcp import FastMCP

LISTED = 200
MAX_TOKENS = 8000
_NAMES: dict[str, ScopeName] = {
    "user": "user",
    "channel": "channel",
    "team": "team",
    "agent": "agent",
    "local": "local",
}


def register(service: MemoryService) -> Callable[[FastMCP], None]:
    """A function that adds the resource templates to a server."""

    async def scope_memories(scope: str) -> str:
        """What one of the caller's scopes (user, channel, team, agent, local) holds, the newest first, as JSON."""
        store = await service.store()
        found = await store.list_memories(current_caller(), scopes=[_scope(scope)], limit=LISTED)
        shown = within([memory_item(one) for one in found], MAX_TOKENS)
        answer = {
            "scope": scope,
            "memories": shown,
            "left_out": len(found) - len(shown),
        }
        return json.dumps(answer, ensure_ascii=False)

    async def one_memory(scope: str, id: str) -> str:
        """One memory with all its versions, the newest first, as JSON."""
        store = await service.store()
        versions = await store.history(current_caller(), as_id(id))
        _scope(scope)
        return json.dumps([memory_item(one) for one in versions], ensure_ascii=False)

    def add(server: FastMCP) -> None:
        server.resource("memory://{scope}", name="scope", mime_type="application/json")(scope_memories)
        server.resource("memory://{scope}/{id}", name="memory", mime_type="application/json")(one_memory)

    return add


def _scope(name: str) -> ScopeName:
    if name not in _NAMES:
        raise InvalidInput("scope: is none.", candidates=list(_NAMES))
    return _NAMES[name]
