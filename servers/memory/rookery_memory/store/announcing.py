"""Tells others, through the event queue, that something was said: whoever draws facts from it subscribes to this.

An event says whose turns they are and where they stand, never what they say: what is erased is nowhere else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rookery_core.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rookery_core.database import Connection
    from rookery_core.identity import Caller
    from rookery_memory.store.context import StoreContext

TURNS_TOPIC = "memory.turns"
_LONGEST_KEY = 900


async def announce_turns(
    conn: Connection,
    context: StoreContext,
    caller: Caller,
    scope: str,
    conversation: str,
    positions: Sequence[int],
) -> None:
    """Publish, with the transaction that stores them, that a conversation has new turns. Nobody may be listening."""
    if not context.announces or not positions:
        return
    from rookery_core.queue import Queue

    payload: dict[str, Any] = {
        "scope": scope,
        "conversation": conversation,
        "first": min(positions),
        "last": max(positions),
        "caller": {"user": caller.user, "kind": caller.kind, "channel": caller.channel},
    }
    queue = Queue(context.database, team=caller.team)
    lane = f"{scope}/{conversation}"[:_LONGEST_KEY]
    try:
        await queue.enqueue(TURNS_TOPIC, payload, ordering_key=lane, priority=-2, connection=conn)
    except NotFound:  # no worker has ever subscribed: there is no model to draw facts with
        return
