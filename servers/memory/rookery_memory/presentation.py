"""Records as answers, within a size."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from rookery_core.errors import InvalidInput
from rookery_core.serving.paging import Page
from rookery_core.text import clip, fence, new_nonce
from rookery_memory.answers import MemoryItem, Similar, TurnItem
from rookery_memory.records import Memory, Scored, Turn
from rookery_memory.store.conversation_search import FoundTurn

MAX_ITEM_TOKENS = 600
MAX_NEIGHBOUR_TOKENS = 120
MAX_SIMILAR_CHARS = 300
MAX_OFFSET = 300


def memory_item(
    memory: Memory, score: float | None = None, related: Iterable[tuple[str, Memory]] = ()
) -> MemoryItem:
    """A memory as it is answered; a long content is cut, and says so."""
    content, omitted = clip(memory.content, MAX_ITEM_TOKENS)
    item = {
        "id": link(memory),
        "scope": memory.scope,
        "kind": memory.kind,
        "content": content,
        "source": memory.source,
        "tags": memory.tags,
        "author": memory.author,
        "pinned": memory.pinned,
        "valid_from": stamp(memory.valid_from),
        "valid_until": memory.valid_until and stamp(memory.valid_until),
        "recorded_at": stamp(memory.recorded_at),
        "version": memory.version if memory.version > 1 else None,
        "superseded_by": memory.superseded_by and str(memory.superseded_by),
        "omitted_tokens": omitted,
        "related": [
            f"{relation}: {clip(other.content, MAX_NEIGHBOUR_TOKENS)[0]} ({link(other)})"
            for relation, other in related
        ],
    }
    filled = _filled(item) if score is None else {**_filled(item), "score": round(score, 3)}
    return cast(MemoryItem, filled)


def similar_item(found: Scored) -> Similar:
    """A memory that a new one may make untrue."""
    memory = found.memory
    item: Similar = {
        "id": link(memory),
        "content": memory.content[:MAX_SIMILAR_CHARS],
        "valid_from": stamp(memory.valid_from),
        "score": round(found.score, 3),
    }
    if memory.pinned:
        item["pinned"] = True
    return item


@dataclass(frozen=True, slots=True)
class Fences:
    """Marks the texts of one answer of a tool as data written by others. Their explanation is its `notice`."""

    nonce: str = field(default_factory=new_nonce)

    def memory(
        self, memory: Memory, score: float | None = None, related: Iterable[tuple[str, Memory]] = ()
    ) -> MemoryItem:
        """A memory with its texts fenced."""
        item = memory_item(memory, score, related)
        item["content"] = self._fence(item["content"], memory.author or "memory", "memory")
        if "related" in item:
            item["related"] = [self._fence(line, "memory", "memory") for line in item["related"]]
        return item

    def similar(self, found: Scored) -> Similar:
        """A memory that a new one may make untrue, fenced."""
        item = similar_item(found)
        item["content"] = self._fence(item["content"], found.memory.author or "memory", "memory")
        return item

    def turn(self, found: FoundTurn) -> TurnItem:
        """A turn with its texts fenced."""
        item = turn_item(found)
        item["content"] = self._fence(item["content"], item["speaker"], "turn")
        if "before" in item:
            item["before"] = [self._fence(line, "conversation", "turn") for line in item["before"]]
        if "after" in item:
            item["after"] = [self._fence(line, "conversation", "turn") for line in item["after"]]
        if "facts" in item:
            item["facts"] = [self._fence(text, "memory", "memory") for text in item["facts"]]
        return item

    def _fence(self, text: str, author: str, kind: str) -> str:
        return fence(text, author=author, kind=kind, nonce=self.nonce)


def link(memory: Memory) -> str:
    """The id of a memory as tools answer it: also its address as a resource of this server."""
    return f"memory://{memory.scope.partition(':')[0]}/{memory.id}"


def stamp(moment: datetime) -> str:
    """A time as it is answered: ISO 8601, to the second."""
    return moment.isoformat(timespec="seconds")


def turn_item(found: FoundTurn) -> TurnItem:
    """A turn as it is answered."""
    turn = found.turn
    content, omitted = clip(turn.content, MAX_ITEM_TOKENS)
    item = {
        "conversation": turn.conversation,
        "id": turn.id,
        "speaker": turn.speaker,
        "content": content,
        "said_at": turn.said_at and stamp(turn.said_at),
        "omitted_tokens": omitted,
        "before": [_line(turn) for turn in found.before],
        "after": [_line(turn) for turn in found.after],
        "facts": [clip(fact.content, MAX_NEIGHBOUR_TOKENS)[0] for fact in found.facts],
    }
    return cast(TurnItem, {**_filled(item), "score": round(found.score, 3)})


def _filled(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if value}


def _line(turn: Turn) -> str:
    return f"{turn.speaker}: {clip(turn.content, MAX_NEIGHBOUR_TOKENS)[0]}"


def offset_of(page: Page) -> int:
    """How many results earlier pages had. Raises InvalidInput beyond the depth of the ranking."""
    if page.offset > MAX_OFFSET:
        raise InvalidInput("cursor must be a next_cursor of this tool.", hint="Leave it out to begin again.")
    return page.offset


def next_cursor(page: Page, total: int) -> str | None:
    """The cursor of the next page; None when all of `total` results are shown or the ranking ends there."""
    return page.next_cursor(more=page.next_offset < total and page.next_offset <= MAX_OFFSET)


def as_id(text: str, name: str = "id") -> UUID:
    """An id as tools take it, also out of a link. Raises InvalidInput for what is none."""
    try:
        return UUID(text.rsplit("/", 1)[-1].strip())
    except ValueError:
        raise InvalidInput(
            f"{name} must be the id of a memory.", hint="Use an id from recall or list_memories."
        ) from None
