"""The store as tools and commands use it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from rookery_core import telemetry
from rookery_core.errors import RookeryError
from rookery_core.identity import Caller
from rookery_core.maintenance import Interval
from rookery_core.ranking import searchable
from rookery_memory.records import Filters, Memory, NewMemory, NewTurn, Remembered, Scored, Turn
from rookery_memory.scopes import ScopeName, bound_scope, bound_scopes
from rookery_memory.store import conversation_search, listings, search, turns, upkeep, writer
from rookery_memory.store.context import StoreContext
from rookery_memory.store.conversation_search import FoundTurn
from rookery_memory.store.turns import StoredTurns

if TYPE_CHECKING:
    from rookery_core.database import Database
    from rookery_core.embedders import Embedder
    from rookery_core.queue import Queue

logger = telemetry.get_logger(__name__)
TEND_EVERY_S = 600.0
LAST_POSITION = 2**31 - 1
CLOSING_S = 5.0


class MemoryStore:
    """Long-term memory, for callers. Scopes are named by kind; whose they are follows from the caller.

    queue: the event queue through which vectors are made in the background; without one they are made inline.
    announces: whether new turns are told of through the event queue, for whoever draws facts from them.
    """

    def __init__(
        self,
        database: Database,
        embedder: Embedder | None,
        queue: Queue | None = None,
        *,
        announces: bool = False,
    ) -> None:
        self.context = StoreContext(database, embedder, queue, announces)
        self._tended: dict[Caller, Interval] = {}
        self._tending: set[asyncio.Task[None]] = set()

    async def remember(self, caller: Caller, new: NewMemory, scope: ScopeName | None = None) -> Remembered:
        """Store a memory in a scope of the caller, by default their own; see `writer.remember`."""
        answer = await writer.remember(self.context, caller, bound_scope(caller, scope), new)
        self._tend(caller)
        return answer

    async def remember_many(
        self, caller: Caller, news: Sequence[NewMemory], scope: ScopeName | None = None, *, embed: bool = True
    ) -> list[UUID]:
        """Store many memories at once; returns the ids of those that were new. See `writer.remember_many`."""
        own = bound_scope(caller, scope)
        return await writer.remember_many(self.context, caller, own, news, embed=embed)

    async def recall(
        self,
        caller: Caller,
        query: str,
        *,
        scopes: Sequence[ScopeName] | None = None,
        filters: Filters | None = None,
        limit: int = 10,
    ) -> list[Scored]:
        """The best memories for a query, best first."""
        names = bound_scopes(caller, scopes)
        vector = await self.context.query_vector(query)
        async with self.context.database.transaction(caller) as connection:
            found = await search.find(
                connection, self.context, query, vector, names, filters or Filters(), limit
            )
        self._tend(caller)
        return found

    async def update(
        self, caller: Caller, memory_id: UUID, changes: Mapping[str, Any], reason: str
    ) -> Memory:
        """Make a new version of a memory; see `writer.update`."""
        return await writer.update(self.context, caller, memory_id, changes, searchable(reason))

    async def forget(self, caller: Caller, ids: Sequence[UUID], reason: str) -> list[UUID]:
        """Hide memories; see `writer.forget`."""
        return await writer.forget(self.context, caller, ids, searchable(reason))

    async def list_memories(
        self,
        caller: Caller,
        *,
        scopes: Sequence[ScopeName] | None = None,
        filters: Filters | None = None,
        before: tuple[datetime, UUID] | None = None,
        limit: int = 20,
    ) -> list[Memory]:
        """Memories by age, the newest first."""
        names = bound_scopes(caller, scopes)
        return await listings.list_memories(self.context, caller, names, filters or Filters(), before, limit)

    async def history(self, caller: Caller, memory_id: UUID) -> list[Memory]:
        """Every version of a memory, the newest first. Raises NotFound when the caller has no such memory."""
        return await listings.history(self.context, caller, memory_id)

    async def related(
        self, caller: Caller, memories: Sequence[Memory], filters: Filters | None = None
    ) -> dict[UUID, list[tuple[str, Memory]]]:
        """What memories are linked to, or were learned at the same place: relation and memory, up to three each."""
        return await listings.related(self.context, caller, memories, filters or Filters())

    async def add_turns(
        self,
        caller: Caller,
        conversation: str,
        new: Sequence[NewTurn],
        scope: ScopeName | None = None,
        *,
        title: str | None = None,
    ) -> StoredTurns:
        """Append turns to a conversation; see `turns.add_turns`."""
        own = bound_scope(caller, scope)
        return await turns.add_turns(self.context, caller, own, conversation, new, title=title)

    async def read_turns(
        self, caller: Caller, scope: ScopeName, conversation: str, first: int, last: int, *, limit: int = 200
    ) -> list[Turn]:
        """What was said in a conversation, word for word and in order, from one position to another."""
        own = bound_scope(caller, scope)
        bounds = min(max(first, 0), LAST_POSITION), min(max(last, 0), LAST_POSITION)
        return await turns.read_turns(self.context, caller, own, searchable(conversation), *bounds, limit)

    async def recall_conversation(
        self,
        caller: Caller,
        question: str,
        *,
        scopes: Sequence[ScopeName] | None = None,
        conversation: str | None = None,
        limit: int = 10,
        around: int = 0,
    ) -> list[FoundTurn]:
        """The turns that answer a question; see `conversation_search.recall_conversation`."""
        return await conversation_search.recall_conversation(
            self.context,
            caller,
            question,
            scopes=bound_scopes(caller, scopes),
            conversation=None if conversation is None else searchable(conversation).strip(),
            limit=limit,
            around=around,
        )

    async def embed_pending(self, caller: Caller) -> int:
        """Make the vectors that the caller's scopes lack; returns how many."""
        return await upkeep.embed_pending(self.context, caller)

    async def tend(self, caller: Caller) -> list[str]:
        """Look after the caller's large scopes now; see `upkeep.tend_large_scopes`."""
        return await upkeep.tend_large_scopes(self.context, caller)

    async def close(self) -> None:
        """Wait a little for what goes on in the background, then give it up."""
        if not self._tending:
            return
        _, late = await asyncio.wait(self._tending, timeout=CLOSING_S)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    def _tend(self, caller: Caller) -> None:
        """Look after large scopes now and then, behind the answer."""
        if len(self._tended) > 10_000:
            self._tended.clear()
        if not self._tended.setdefault(caller, Interval(TEND_EVERY_S)).take():
            return
        task = asyncio.create_task(self._tend_quietly(caller))
        self._tending.add(task)
        task.add_done_callback(self._tending.discard)

    async def _tend_quietly(self, caller: Caller) -> None:
        try:
            await self.tend(caller)
        except RookeryError as error:
            logger.warning("large scopes are not tended: %s", error)
