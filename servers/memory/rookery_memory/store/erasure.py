"""Erasing for real: the text, its versions, its vectors, the words counted from it; and proof that it happened."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from rookery_core.errors import NotFound
from rookery_core.identity import Caller
from rookery_memory.records import new_id
from rookery_memory.store.context import SQL, StoreContext
from rookery_memory.store.conversation_search import require_conversation

if TYPE_CHECKING:
    from rookery_core.database import Connection


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
    """Erase these memories of a scope, or one conversation with what was drawn from it, or without either all of it.

    Raises NotFound, and erases nothing, when the scope has no such memory or conversation.
    """
    everything = ids is None and conversation is None
    async with context.database.transaction(caller) as connection:
        await _require(connection, scope, ids or ())
        chosen = list(ids or ())
        turns = 0
        if conversation is not None:
            chosen += await _drawn_from(connection, scope, conversation)
        if everything or conversation is not None:
            turns = await connection.fetchval(SQL["erase_turns"], scope, conversation)
            await connection.execute(SQL["erase_conversations"], scope, conversation)
        selected = None if everything else chosen
        await connection.execute(SQL["erase_links"], scope, selected)
        rows = await connection.fetch(SQL["erase_memories"], scope, selected)
        await connection.execute(SQL["erase_mentions"], scope, [str(one) for one in chosen])
        await connection.execute(SQL["erase_statistics"], scope)
        erased = sorted({str(row[0]) for row in rows})
        digest = hashlib.sha256("\n".join(erased).encode()).digest()
        receipt = new_id()
        erased_at = await connection.fetchval(
            SQL["record_erasure"], receipt, scope, len(erased), len(rows), turns, digest, reason
        )
        remaining = await connection.fetchval(SQL["remaining"], scope)
    return ErasureReceipt(receipt, erased_at, len(erased), len(rows), turns, digest.hex(), remaining)


async def _require(connection: Connection, scope: str, ids: Sequence[UUID]) -> None:
    """A receipt for what was never there would be taken for proof."""
    known = {row[0] for row in await connection.fetch(SQL["ids_of_scope"], scope, list(ids))}
    if missing := [str(one) for one in ids if one not in known]:
        raise NotFound(
            f"erase: the scope has no memory {', '.join(missing)}. Nothing was erased.",
            hint="Find its id, and its scope, with list_memories or an export.",
        )


async def _drawn_from(connection: Connection, scope: str, conversation: str) -> list[UUID]:
    """The memories that were drawn from a conversation."""
    drawn = [row[0] for row in await connection.fetch(SQL["drawn_from"], scope, conversation)]
    if not drawn:
        await require_conversation(connection, [scope], conversation)
    return drawn
