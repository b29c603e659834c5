"""Memories by age, their versions, and what they are linked to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from rookery_core.errors import NotFound
from rookery_core.identity import Caller
from rookery_memory.records import Filters, Memory
from rookery_memory.store.context import SQL, StoreContext
from rookery_memory.store.rows import memory_from

if TYPE_CHECKING:
    from rookery_core.database import Row

RELATED = 3


async def list_memories(
    context: StoreContext,
    caller: Caller,
    scopes: Sequence[str] | None,
    filters: Filters,
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Memory]:
    """What the scopes hold now (or held, with filters.as_of), the newest first, from a position on."""
    when, last = before or (None, None)
    asked = list(scopes) if scopes is not None else None
    async with context.database.transaction(caller, readonly=True) as connection:
        rows = await connection.fetch(SQL["list_memories"], asked, filters.as_row(), when, last, limit)
    return [memory_from(row) for row in rows]


async def history(context: StoreContext, caller: Caller, memory_id: UUID) -> list[Memory]:
    """Every version of a memory, the newest first. Raises NotFound."""
    async with context.database.transaction(caller, readonly=True) as connection:
        rows = await connection.fetch(SQL["history"], memory_id)
    if not rows:
        raise NotFound(
            f"No memory {memory_id} in the scopes of this caller.",
            hint="Find its id with recall or list_memories.",
        )
    return [memory_from(row) for row in rows]


async def related(
    context: StoreContext, caller: Caller, memories: Sequence[Memory], filters: Filters
) -> dict[UUID, list[tuple[str, Memory]]]:
    """What each memory is linked to, then what was learned at the same place, up to three."""
    ids = [memory.id for memory in memories]
    async with context.database.transaction(caller, readonly=True) as connection:
        rows = [
            *await connection.fetch(SQL["linked"], ids, filters.as_row()),
            *await connection.fetch(SQL["same_source"], ids, filters.as_row()),
        ]
    return _first_of_each(rows)


def _first_of_each(rows: Sequence[Row]) -> dict[UUID, list[tuple[str, Memory]]]:
    found: dict[UUID, list[tuple[str, Memory]]] = {}
    for row in rows:
        near = found.setdefault(row["near_id"], [])
        memory = memory_from(row)
        if len(near) < RELATED and all(known.id != memory.id for _, known in near):
            near.append((row["relation"], memory))
    return found
