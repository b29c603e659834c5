"""What is done behind the writes: vectors that are missing, counts and the vector index of large scopes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from rookery_core.identity import Caller
from rookery_memory.search.index_text import without_names
from rookery_memory.store import search
from rookery_memory.store.context import SQL, StoreContext
from rookery_memory.store.turns import store_turn_vectors
from rookery_memory.store.writer import store_vectors

if TYPE_CHECKING:
    from rookery_core.database import Row
    from rookery_memory.store.search import Vector

BATCH = 500
INDEXED_SIZE = 10_000
"""From this size on, a scope's vectors are in the index; ranking fewer exactly takes a few milliseconds."""
RECOUNT_AT = 0.2


async def embed_pending(context: StoreContext, caller: Caller) -> int:
    """Make every vector that the caller's scopes lack, by the context's model; returns how many were made.

    Raises Unavailable when the embedder is down. What could not be embedded, because nothing is in it, stays so.
    """
    if context.embedder is None:
        return 0
    memories = await _embed_waiting(context, caller, "memories_to_embed", ("id", "version"), store_vectors)
    place = ("scope", "conversation", "position")
    return memories + await _embed_waiting(context, caller, "turns_to_embed", place, store_turn_vectors)


async def _embed_waiting(
    context: StoreContext,
    caller: Caller,
    waiting: str,
    key: Sequence[str],
    store: Callable[..., Awaitable[None]],
) -> int:
    """Embed what a statement finds without a vector; `key` names its columns, by which `store` knows it."""
    made = 0
    while rows := await _pending(context, caller, waiting):
        vectors = await _embed(context, [without_names(row["content"], row["speakers"]) for row in rows])
        keys = [tuple(rows[at][name] for name in key) for at, _ in vectors]
        async with context.database.transaction(caller) as connection:
            await store(connection, context, keys, [vector for _, vector in vectors])
        made += len(vectors)
        if len(rows) < BATCH or not vectors:
            break
    return made


async def _pending(context: StoreContext, caller: Caller, statement: str) -> list[Row]:
    async with context.database.transaction(caller, readonly=True) as connection:
        return await connection.fetch(SQL[statement], context.model, BATCH)


async def _embed(context: StoreContext, texts: list[str]) -> list[tuple[int, Vector]]:
    assert context.embedder is not None
    rows = await context.embedder.embed(texts)
    return [(at, row) for at, row in enumerate(rows) if row.any()]


async def tend_large_scopes(context: StoreContext, caller: Caller) -> list[str]:
    """Count the caller's large scopes again where they have changed much, and take their vectors into the index.

    Returns the scopes that were tended. Small ones need neither: they are counted and ranked while searching.
    """
    async with context.database.transaction(caller, readonly=True) as connection:
        large = await connection.fetch(SQL["large_scopes"], search.COUNTED_SIZE)
    tended: list[str] = []
    for row in large:
        counted = row["counted"] or 0
        if abs(row["size"] - counted) > RECOUNT_AT * max(counted, 1):
            async with context.database.transaction(caller) as connection:
                await connection.fetchval(SQL["refresh_scope"], row["scope"])
            tended.append(row["scope"])
        if row["size"] > INDEXED_SIZE:
            await _take_into_index(context, caller, row["scope"])
    return tended


async def _take_into_index(context: StoreContext, caller: Caller, scope: str) -> None:
    """Two at a time: building the index is work for a processor, and rows that one has taken the other skips."""
    await asyncio.gather(*(_take_batches(context, caller, scope) for _ in range(2)))


async def _take_batches(context: StoreContext, caller: Caller, scope: str) -> None:
    while True:
        async with context.database.transaction(caller) as connection:
            status = await connection.execute(SQL["take_into_index"], scope, BATCH)
        if not int(status.rpartition(" ")[2]):
            return
