"""Memories as resources: `memory://{scope}` lists a scope, `memory://{scope}/{id}` is one memory, and
`memory://{scope}/turns/{conversation}/{first}/{last}` is what was said in a conversation, word for word.

There a conversation stands under its name in base64url: the name itself may hold what an address may not.
"""

from __future__ import annotations

import base64
import binascii
import functools
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from rookery_core.errors import InvalidInput, RookeryError
from rookery_core.identity import current_caller
from rookery_core.serving.paging import fit
from rookery_memory.context import MemoryContext
from rookery_memory.presentation import as_id, memory_item, stamp
from rookery_memory.records import Turn
from rookery_memory.scopes import ScopeName

if TYPE_CHECKING:
    from fastmcp import FastMCP

LISTED = 200
MAX_TOKENS = 8000
MAX_TURN_CHARACTERS = 60_000
_NAMES: dict[str, ScopeName] = {
    "user": "user",
    "channel": "channel",
    "team": "team",
    "agent": "agent",
    "local": "local",
}


class MemoryResources:
    """What a scope holds, one memory and stretches of a conversation, as resources."""

    def __init__(self, context: MemoryContext) -> None:
        self._context = context

    def add_to(self, server: FastMCP) -> None:
        """Add the resource templates to a server."""
        for uri, name, read in (
            ("memory://{scope}", "scope", self.scope_memories),
            ("memory://{scope}/{id}", "memory", self.one_memory),
            ("memory://{scope}/turns/{conversation}/{first}/{last}", "turns", self.turns),
        ):
            server.resource(uri, name=name, mime_type="application/json")(_saying_why(read))

    async def scope_memories(self, scope: str) -> str:
        """What one of the caller's scopes (user, channel, team, agent, local) holds, the newest first, as JSON."""
        store = await self._context.store()
        found = await store.list_memories(current_caller(), scopes=[_scope(scope)], limit=LISTED)
        shown = fit(map(memory_item, found), MAX_TOKENS)
        answer = {"scope": scope, "memories": shown, "left_out": len(found) - len(shown)}
        return json.dumps(answer, ensure_ascii=False)

    async def one_memory(self, scope: str, id: str) -> str:
        """One memory with all its versions, the newest first, as JSON."""
        store = await self._context.store()
        versions = await store.history(current_caller(), as_id(id))
        _scope(scope)
        return json.dumps([memory_item(one) for one in versions], ensure_ascii=False)

    async def turns(self, scope: str, conversation: str, first: int, last: int) -> str:
        """Turns of a conversation from one position to another, in order, as JSON; `next` is where to go on."""
        store = await self._context.store()
        name = conversation_of(conversation)
        found = await store.read_turns(current_caller(), _scope(scope), name, first, last, limit=LISTED)
        shown = found[: _fitting([turn.content for turn in found])]
        following = shown[-1].position + 1 if shown else last + 1
        answer = {
            "conversation": name,
            "turns": [_turn(turn) for turn in shown],
            "next": following if following <= last and shown else None,
        }
        return json.dumps(answer, ensure_ascii=False)


def _saying_why(read: Callable[..., Awaitable[str]]) -> Callable[..., Awaitable[str]]:
    """`read`, whose errors tell the client what is wrong: others would reach it without a word."""

    @functools.wraps(read)
    async def reading(*arguments: Any, **named: Any) -> str:
        from fastmcp.exceptions import ResourceError

        try:
            return await read(*arguments, **named)
        except RookeryError as error:
            raise ResourceError(str(error)) from None

    return reading


def conversation_of(segment: str) -> str:
    """The name of a conversation out of an address. Raises InvalidInput for what is none."""
    try:
        return base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)).decode()
    except (ValueError, binascii.Error):
        raise InvalidInput("conversation must be a name in base64url.") from None


def _fitting(texts: Sequence[str]) -> int:
    """How many of the texts, from the first on, one answer holds; at least one."""
    room = MAX_TURN_CHARACTERS
    for count, text in enumerate(texts):
        room -= len(text)
        if room < 0 and count:
            return count
    return len(texts)


def _turn(turn: Turn) -> dict[str, Any]:
    said_at = stamp(turn.said_at) if turn.said_at else None
    return {
        "position": turn.position,
        "id": turn.id,
        "speaker": turn.speaker,
        "content": turn.content,
        "said_at": said_at,
    }


def _scope(name: str) -> ScopeName:
    if name not in _NAMES:
        raise InvalidInput("scope must be one of the caller's scopes.", candidates=list(_NAMES))
    return _NAMES[name]
