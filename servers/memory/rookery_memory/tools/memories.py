"""Tools for facts, preferences, decisions and episodes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from rookery_core.identity import Caller, current_caller
from rookery_core.ranking.fit import NOTHING_FITS, ONLY_NEAR
from rookery_core.serving.arguments import Cursor, Limit, MaxTokens, Share
from rookery_core.serving.paging import Page
from rookery_core.text import explain_fence
from rookery_memory.answers import ForgetAnswer, MemoriesAnswer, RememberAnswer, UpdateAnswer
from rookery_memory.context import MemoryContext
from rookery_memory.presentation import (
    Fences,
    as_id,
    link,
    next_cursor,
    offset_of,
    stamp,
)
from rookery_memory.records import Filters, Kind, NewMemory
from rookery_memory.scopes import ScopeName, bound_scopes, named, readable_scopes
from rookery_memory.tools.arguments import (
    Content,
    Kinds,
    Moment,
    Reason,
    Scope,
    Scopes,
    as_of_moment,
    moment,
    require_query,
)


class MemoryTools:
    """remember, recall, update, forget, list_memories."""

    def __init__(self, context: MemoryContext) -> None:
        self._context = context

    async def remember(
        self,
        content: Content,
        kind: Kind = "fact",
        scope: Scope = "own",
        source: Annotated[str, Field(max_length=2000, description="permalink")] = "",
        tags: Sequence[str] = (),
        importance: Share = 0.5,
        pinned: bool = False,
        valid_from: Moment = "",
        valid_until: Moment = "",
        expires_at: Moment = "",
        replaces: Annotated[Sequence[str], Field(description="ids that this makes untrue")] = (),
        conversation: str = "",
        turns: Annotated[Sequence[str], Field(description="ids of turns it was drawn from")] = (),
    ) -> RememberAnswer:
        """Store one thing worth knowing later, as a sentence that stands alone: who, what, when (ISO 8601 times).

        Look at `similar` in the answer: if one of them is untrue now, call again with its id in replaces. It is kept with
        the time in which it held.
        """
        new = NewMemory(
            content=content, kind=kind, source=source or None, tags=tags, importance=importance, pinned=pinned,
            valid_from=moment(valid_from, "valid_from"), valid_until=moment(valid_until, "valid_until", end=True),
            expires_at=moment(expires_at, "expires_at", end=True, ahead=True), conversation=conversation or None, turns=turns,
            replaces=[as_id(one, "replaces") for one in replaces],
        )  # fmt: skip
        store = await self._context.store()
        stored = await store.remember(current_caller(), new, named(scope))
        fences = Fences()
        answer: RememberAnswer = {
            "id": f"memory://{stored.scope.partition(':')[0]}/{stored.id}",
            "scope": stored.scope,
            "duplicate": stored.duplicate,
            "superseded": [str(memory_id) for memory_id in stored.superseded],
            "similar": [fences.similar(memory) for memory in stored.similar],
        }
        return {"notice": explain_fence(fences.nonce), **answer} if stored.similar else answer

    async def recall(
        self,
        query: str,
        scopes: Scopes = (),
        kinds: Kinds = (),
        tags: Sequence[str] = (),
        as_of: Annotated[str, Field(description="what held then; default now")] = "",
        since: Moment = "",
        related: Annotated[bool, Field(description="with what each is linked to")] = False,
        limit: Limit = 10,
        max_tokens: MaxTokens = 2000,
        cursor: Cursor = "",
    ) -> MemoriesAnswer:
        """Find memories by a question or words, best first. Use before answering from what you believe to know.

        An empty list: nothing in these scopes (by default all of the asker's) fits. A score of 1 fits fully, 0 not at all.
        """
        require_query(query, "query", "Pass a question or words; list_memories lists without a query.")
        arguments = [query, scopes, kinds, tags, as_of, since]
        page = Page.open("recall", arguments, cursor, max_tokens)
        caller, offset, names = current_caller(), offset_of(page), list(scopes) or None
        filters = Filters(
            kinds=kinds, tags=_lowered(tags), as_of=as_of_moment(as_of), since=moment(since, "since")
        )
        store = await self._context.store()
        found = await store.recall(caller, query, scopes=names, filters=filters, limit=offset + limit + 1)
        hits = found[offset : offset + limit]
        near = await store.related(caller, [hit.memory for hit in hits], filters) if related and hits else {}
        fences = Fences()
        items = page.fill(fences.memory(hit.memory, hit.score, near.get(hit.memory.id, ())) for hit in hits)
        answer = _answer(caller, names, items, next_cursor(page, len(found)), fences)
        if not found:
            answer["note"] = NOTHING_FITS
        elif not any(hit.words for hit in found):
            answer["note"] = ONLY_NEAR
        return answer

    async def update(
        self,
        id: str,
        reason: Reason,
        content: Annotated[str, Field(max_length=20000)] = "",
        source: str = "",
        tags: Annotated[Sequence[str], Field(description="all there shall be")] = (),
        importance: Share | None = None,
        pinned: bool | None = None,
        valid_from: Moment = "",
        valid_until: Moment = "",
        expires_at: Moment = "",
    ) -> UpdateAnswer:
        """Change a memory; what is left out stays. Its earlier version is kept, and found with as_of."""
        given: dict[str, Any] = {
            "content": content or None, "source": source or None, "tags": list(tags) or None,
            "importance": importance, "pinned": pinned, "valid_from": moment(valid_from, "valid_from"),
            "valid_until": moment(valid_until, "valid_until", end=True),
            "expires_at": moment(expires_at, "expires_at", end=True, ahead=True),
        }  # fmt: skip
        changes = {name: value for name, value in given.items() if value is not None}
        store = await self._context.store()
        changed = await store.update(current_caller(), as_id(id), changes, reason)
        return {"id": link(changed), "version": changed.version, "valid_from": stamp(changed.valid_from)}

    async def forget(
        self, ids: Annotated[list[str], Field(min_length=1, max_length=50)], reason: Reason
    ) -> ForgetAnswer:
        """Hide memories from every search: what is wrong or unwanted. For what has changed use update."""
        store = await self._context.store()
        forgotten = await store.forget(current_caller(), [as_id(one, "ids") for one in ids], reason)
        return {"forgotten": [str(one) for one in forgotten]}

    async def list_memories(
        self,
        scopes: Scopes = (),
        kinds: Kinds = (),
        tags: Sequence[str] = (),
        as_of: Moment = "",
        history_of: Annotated[str, Field(description="id: its versions instead")] = "",
        limit: Limit = 20,
        max_tokens: MaxTokens = 2000,
        cursor: Cursor = "",
    ) -> MemoriesAnswer:
        """List memories, the newest first, without a question."""
        arguments = [scopes, kinds, tags, as_of, history_of]
        page = Page.open("list_memories", arguments, cursor, max_tokens)
        caller, names = current_caller(), list(scopes) or None
        store = await self._context.store()
        fences = Fences()
        if history_of:
            versions = await store.history(caller, as_id(history_of, "history_of"))
            return _answer(caller, names, page.fill(map(fences.memory, versions)), None, fences)
        filters = Filters(kinds=kinds, tags=_lowered(tags), as_of=as_of_moment(as_of))
        found = await store.list_memories(
            caller, scopes=names, filters=filters, before=_position(page), limit=limit + 1
        )
        shown = page.fill(map(fences.memory, found[:limit]))
        last = found[len(shown) - 1] if len(shown) < len(found) else None
        following = last and page.cursor(at=last.recorded_at.isoformat(), id=str(last.id))
        return _answer(caller, names, shown, following, fences)


def _answer(
    caller: Caller, names: list[ScopeName] | None, shown: list[Any], next_cursor: str | None, fences: Fences
) -> MemoriesAnswer:
    answer: MemoriesAnswer = {
        "memories": shown,
        "scopes": bound_scopes(caller, names) or list(readable_scopes(caller)),
    }
    if shown:
        answer = {"notice": explain_fence(fences.nonce), **answer}
    if next_cursor:
        answer["next_cursor"] = next_cursor
    return answer


def _lowered(tags: Sequence[str]) -> list[str] | None:
    return [tag.strip().casefold() for tag in tags] or None


def _position(page: Page) -> tuple[datetime, UUID] | None:
    """When the last memory of the page before was recorded, and its id."""
    if not page.position:
        return None
    return datetime.fromisoformat(page.position["at"]), UUID(page.position["id"])
