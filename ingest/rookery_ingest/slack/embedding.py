"""Makes the vectors that messages want, a batch at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from rookery_slack.store import vectors

if TYPE_CHECKING:
    from rookery_core.database import Database
    from rookery_core.embedders import Embedder
    from rookery_core.identity import Caller

BATCH = 1000


async def embed_backlog(database: Database, caller: Caller, embedder: Embedder) -> AsyncIterator[int]:
    """Make vectors until none is wanted; yields how many after each batch.

    Only one process at a time works on a team's backlog: who comes second leaves it to the first.
    """
    while True:
        done = await _embed_batch(database, caller, embedder)
        if done:
            yield done
            continue
        if done is None or not await _drop_other_models(database, caller, embedder):
            return


async def _embed_batch(database: Database, caller: Caller, embedder: Embedder) -> int | None:
    """How many vectors were made now; None when another process is at it."""
    async with database.transaction(caller) as connection:
        if not await vectors.claim_backlog(connection, caller):
            return None
        waiting = await vectors.without_vector(connection, caller, BATCH)
        if waiting:
            made = await embedder.embed([each.text for each in waiting])
            await vectors.store_vectors(connection, caller, embedder.model, waiting, made)
        return len(waiting)


async def _drop_other_models(database: Database, caller: Caller, embedder: Embedder) -> int:
    async with database.transaction(caller) as connection:
        return await vectors.drop_other_models(connection, caller, embedder.model, 10 * BATCH)
