"""Erasing for real: the text, its versions, its vectors, the words counted from it; and proof that it happened."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from rookery_core.identity import Caller
from rookery_memory.records import new_id
from rookery_memory.store.context import SQL, StoreContext


@dataclass(frozen=True, slots=True)
class ErasureReceipt:
    """Proof of an erasure, kept in the database without anything of what was erased.

    ids_digest: SHA-256 of the erased ids, sorted, one a line. remaining: rows that the scope still holds.
    """

    id: UUID
    erased_at: datetime
    memories: int
    versions: int
    turns: int
    ids_digest: str
    remaining: int


async def erase(
    context: StoreContext,
    caller: Caller,
    scope: str,
    *,
    ids: Sequence[UUID] | None = None,
    conversation: str | None = None,
    reason: str | None = None,
) -> ErasureReceipt:
    """Erase these memories of a scope, or one conversation with what was drawn from it, or without either all of it."""
    everything = ids is None and conversation is None
    async with context.database.transaction(caller) as conn:
        chosen = list(ids or ())
        turns = 0
        if conversation is not None:
            drawn = await conn.fetch(
                "select distinct id from memory.memory where team = memory.caller_team() and scope = $1 and conversation = $2",
                scope,
                conversation,
            )
            chosen += [row[0] for row in drawn]
        if everything or conversation is not None:
            turns = await conn.fetchval(SQL["erase_turns"], scope, conversation)
            await conn.execute(SQL["erase_conversations"], scope, conversation)
        selected = None if everything else chosen
        await conn.execute(SQL["erase_links"], scope, selected)
        rows = await conn.fetch(SQL["erase_memories"], scope, selected)
        await conn.execute(SQL["erase_mentions"], scope, [str(one) for one in chosen])
        await conn.execute(SQL["erase_statistics"], scope)
        erased = sorted({str(row[0]) for row in rows})
        digest = hashlib.sha256("\n".join(erased).encode()).digest()
        receipt = new_id()
        erased_at = await conn.fetchval(
            SQL["record_erasure"], receipt, scope, len(erased), len(rows), turns, digest, reason
        )
        remaining = await conn.fetchval(SQL["remaining"], scope)
    return ErasureReceipt(receipt, erased_at, len(erased), len(rows), turns, digest.hex(), remaining)
