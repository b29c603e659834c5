"""Writing memories: remember, update, forget. What is replaced stays, with the interval in which it held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from rookery_core.errors import InvalidInput, NotFound
from rookery_core.identity import Caller
from rookery_memory.records import (
    Memory,
    NewMemory,
    Remembered,
    check_time,
    clean_content,
    clean_tags,
    content_hash,
    new_id,
)
from rookery_memory.scopes import readable_scopes
from rookery_memory.search.index_text import without_names
from rookery_memory.store import search
from rookery_memory.store.context import SQL, StoreContext
from rookery_memory.store.replacement import may_replace
from rookery_memory.store.rows import WholeVector, indexed_text, insert_columns, memory_from

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rookery_core.database import Connection

BATCH = 1000


async def remember(context: StoreContext, caller: Caller, scope: str, new: NewMemory) -> Remembered:
    """Store one memory in one of the caller's scopes; see Remembered for what comes back.

    Raises InvalidInput for a content or tag that cannot be stored, NotFound when it replaces what is not there.
    """
    _check(caller, scope, [new])
    text = await _embedded_text(context, caller, scope, new)
    vector = (await context.vectors([text]))[0]
    async with context.database.transaction(caller) as connection:
        identity = new_id()
        stored = await _insert(connection, caller, scope, [identity], [new])
        if not stored:
            identity = await _enrich(connection, scope, new)
        elif vector is not None:
            await store_vectors(connection, context, [(identity, 1)], [vector])
        superseded = await _supersede(connection, identity, new)
        known = {identity, *superseded}
        similar = await may_replace(connection, context, scope, new.content, vector, known)
        if vector is None or not context.embeds_inline:
            await context.ask_for_vectors(connection, caller.team, scope)
    return Remembered(identity, scope, not stored, superseded, similar)


async def remember_many(
    context: StoreContext, caller: Caller, scope: str, news: Sequence[NewMemory], *, embed: bool = True
) -> list[UUID]:
    """Store many memories; returns the ids of those that were new, in order.

    Does not look for what they contradict. embed=False leaves the vectors to `embed_pending`.
    """
    _check(caller, scope, news)
    written: list[UUID] = []
    for start in range(0, len(news), BATCH):
        batch = news[start : start + BATCH]
        ids = [new_id() for _ in batch]
        vectors = await context.vectors([new.content for new in batch]) if embed else [None] * len(batch)
        async with context.database.transaction(caller) as connection:
            # A plan kept from when the table was empty reads all of it for each batch, until it is analysed.
            await connection.execute("set local plan_cache_mode = force_custom_plan")
            stored = await _insert(connection, caller, scope, ids, batch)
            pairs = [(key, vector) for key, vector in zip(ids, vectors, strict=True) if key in stored]
            known = [(key, vector) for key, vector in pairs if vector is not None]
            await store_vectors(
                connection, context, [(key, 1) for key, _ in known], [vector for _, vector in known]
            )
            if len(known) < len(pairs):
                await context.ask_for_vectors(connection, caller.team, scope)
        written += [key for key in ids if key in stored]
    return written


async def update(
    context: StoreContext, caller: Caller, memory_id: UUID, changes: Mapping[str, Any], reason: str
) -> Memory:
    """Make a new version of a memory; returns it. changes: fields of NewMemory with their new values.

    A new content holds from now on (or from a valid_from that is given) and the old version until then. Raises
    NotFound when the caller has no such memory, InvalidInput when nothing changes.
    """
    async with context.database.transaction(caller) as connection:
        row = await connection.fetchrow(SQL["current_version"], memory_id)
        if row is None:
            raise _no_memory(memory_id)
        old = memory_from(row)
        columns = _changed(old, changes)
        await _refuse_twin(connection, old, columns.content)
        new_start = changes.get("valid_from") or (None if "content" in changes else old.valid_from)
        start = new_start or await connection.fetchval("select now()")
        await connection.execute(SQL["close_version"], old.id, old.version, start)
        await connection.execute(
            SQL["insert_version"], old.id, old.version, columns.kind, columns.content,
            content_hash(columns.content), columns.source, columns.tags, columns.importance, columns.pinned,
            caller.user, start, columns.valid_until, columns.expires_at, reason,
            indexed_text(columns.content, columns.tags),
        )  # fmt: skip
        await _embed_version(connection, context, caller, old, columns.content)
        return (await search.fetch_versions(connection, [(old.id, old.version + 1)]))[
            (old.id, old.version + 1)
        ]


async def forget(context: StoreContext, caller: Caller, ids: Sequence[UUID], reason: str) -> list[UUID]:
    """Hide memories from every search and list; returns which. Raises NotFound when the caller has none of them."""
    async with context.database.transaction(caller) as connection:
        rows = await connection.fetch(SQL["forget"], list(ids), reason)
    forgotten = list(dict.fromkeys(row[0] for row in rows))
    if not forgotten:
        raise _no_memory(*ids)
    return forgotten


async def store_vectors(
    connection: Connection,
    context: StoreContext,
    keys: Sequence[search.Key],
    vectors: Sequence[NDArray[np.float32]],
) -> None:
    """Store the vectors of versions, by the context's model."""
    if keys:
        await connection.execute(
            SQL["store_embeddings"],
            context.model,
            [key[0] for key in keys],
            [key[1] for key in keys],
            [WholeVector(vector) for vector in vectors],
        )


def _check(caller: Caller, scope: str, news: Sequence[NewMemory]) -> None:
    if scope not in readable_scopes(caller):
        raise InvalidInput(f"scope must be a scope of the caller, not {scope!r}.")
    for new in news:
        _check_interval(new)
        if not 0 <= new.importance <= 1:
            raise InvalidInput("importance must be between 0 and 1.")


def _check_interval(new: NewMemory) -> None:
    for field in ("valid_from", "valid_until", "expires_at"):
        check_time(getattr(new, field), field)
    if new.valid_from and new.valid_until and new.valid_until <= new.valid_from:
        raise InvalidInput(
            f"valid_until must be after valid_from, {new.valid_from.isoformat()}.",
            hint="Pass a later valid_until, or an earlier valid_from with it.",
        )


async def _embedded_text(context: StoreContext, caller: Caller, scope: str, new: NewMemory) -> str:
    """What of a memory becomes its vector: without the names of those who spoke, when it is about a conversation."""
    content = clean_content(new.content)
    if new.conversation is None or not context.embeds_inline:
        return content if context.embeds_inline else ""
    async with context.database.transaction(caller, readonly=True) as connection:
        return without_names(content, await connection.fetchval(SQL["speakers"], [scope], new.conversation))


async def _insert(
    connection: Connection, caller: Caller, scope: str, ids: Sequence[UUID], news: Sequence[NewMemory]
) -> set[UUID]:
    rows = await connection.fetch(SQL["insert_memories"], caller.user, *insert_columns(ids, scope, news))
    return {row[0] for row in rows}


async def _enrich(connection: Connection, scope: str, new: NewMemory) -> UUID:
    row = await connection.fetchrow(SQL["existing_memory"], scope, content_hash(clean_content(new.content)))
    if row is None:  # forgotten in between; the caller may simply say it again
        raise NotFound("content was forgotten by another call at the same time.", hint="Call remember again.")
    await connection.execute(
        SQL["enrich_memory"], row["id"], row["version"], clean_tags(new.tags), list(new.turns), new.conversation,
        new.importance, new.pinned, new.expires_at, new.source,
    )  # fmt: skip
    return row["id"]


async def _supersede(connection: Connection, identity: UUID, new: NewMemory) -> list[UUID]:
    if not new.replaces:
        return []
    start = new.valid_from or await connection.fetchval("select now()")
    rows = await connection.fetch(SQL["supersede"], list(new.replaces), identity, start)
    found = [row[0] for row in rows]
    if missing := [one for one in new.replaces if one not in found]:
        raise _no_memory(*missing)
    return found


def _changed(old: Memory, changes: Mapping[str, Any]) -> NewMemory:
    current = NewMemory(
        content=old.content, kind=old.kind, source=old.source, tags=old.tags, importance=old.importance,
        pinned=old.pinned, valid_from=old.valid_from, valid_until=old.valid_until, expires_at=old.expires_at,
    )  # fmt: skip
    changed = replace(current, **changes)
    changed = replace(changed, content=clean_content(changed.content), tags=clean_tags(changed.tags))
    if changed == current:
        raise InvalidInput("update must change something.", hint="Pass at least one field with a new value.")
    _check_interval(changed)
    return changed


async def _refuse_twin(connection: Connection, old: Memory, content: str) -> None:
    twin = await connection.fetchrow(SQL["existing_memory"], old.scope, content_hash(content))
    if twin is not None and twin["id"] != old.id:
        raise InvalidInput(
            f"content must differ from that of another memory, {twin['id']}.",
            hint="Forget one of the two memories.",
        )


async def _embed_version(
    connection: Connection, context: StoreContext, caller: Caller, old: Memory, content: str
) -> None:
    vector = (await context.vectors([content]))[0] if context.embeds_inline else None
    if vector is not None:
        await store_vectors(connection, context, [(old.id, old.version + 1)], [vector])
    else:
        await context.ask_for_vectors(connection, caller.team, old.scope)


def _no_memory(*ids: UUID) -> NotFound:
    return NotFound(
        f"No memory {', '.join(map(str, ids))} in the scopes of this caller.",
        hint="Find its id with recall or list_memories.",
    )
