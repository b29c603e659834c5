"""The schema `memory`: whose migrations are in this package, the role that serves it, and what adapts it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from rookery_core.database.schema import Schema

if TYPE_CHECKING:
    from rookery_core.database import Capabilities, Connection


async def adapt(connection: Connection, offered: Capabilities) -> AsyncIterator[str]:
    """Words indexed together with their scope, where the server can; the vector index of each model in use."""
    from rookery_core.embedders import ensure_stored_models_indexed, ensure_vector_index
    from rookery_core.embedders.local import LocalEmbedder

    if offered.btree_gin:
        async for line in _index_words_by_scope(connection):
            yield line
    # Empty until a scope grows large: then its vectors are taken in.
    local = (LocalEmbedder.model, LocalEmbedder.dimensions, "indexed")
    if name := await ensure_vector_index(
        connection, "memory.embedding", "embedding", *local, model_column="model"
    ):
        yield f"index {name}: built"
    for name in await ensure_stored_models_indexed(
        connection, "memory.embedding", "embedding", "indexed", model_column="model"
    ):
        yield f"index {name}: built"


async def _index_words_by_scope(connection: Connection) -> AsyncIterator[str]:
    """A search reads the postings of its own scopes only, not those of everybody."""
    for table, plain in (("memory.memory", "memory_words"), ("memory.turn", "turn_words")):
        scoped = f"{plain}_of_scope"
        valid = await connection.fetchval(
            "select indisvalid from pg_index where indexrelid = to_regclass($1)", f"memory.{scoped}"
        )
        if valid is False:
            await connection.execute(f"drop index concurrently if exists memory.{scoped}")
        if not valid:
            await connection.execute(
                f"create index concurrently {scoped} on {table} using gin (scope, document)"
            )
            await connection.execute(f"drop index concurrently if exists memory.{plain}")
            yield f"index {scoped}: built"


SCHEMA = Schema(name="memory", package="rookery_memory", role="rookery_memory", adapt=adapt)
