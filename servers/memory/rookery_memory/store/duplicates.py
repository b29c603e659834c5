"""Merging near duplicates: the same thing said twice in almost the same words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rookery_core.identity import Caller
from rookery_memory.records import Filters, Memory
from rookery_memory.store import listings, search
from rookery_memory.store.context import SQL, StoreContext

SAME_WORDS = 0.8
_WORD = re.compile(r"\w+")
_PLURAL = re.compile(r"(?<=\w{2}[^\Ws])s$")
_FILLER_WORDS = "a an the is are was were be been has have had to of in on at for and that this it its"
_OPPOSING_WORDS = "no not never none nor without isn aren wasn weren don doesn didn won can cannot no longer"
_FILLERS = frozenset(_FILLER_WORDS.split())
_OPPOSING = frozenset(_OPPOSING_WORDS.split())
PAGE = 200


@dataclass(frozen=True, slots=True)
class MergeGroup:
    """Memories that say the same: the one that stays, and those that go into it."""

    kept: Memory
    merged: list[Memory]


async def find_duplicates(context: StoreContext, caller: Caller, scope: str) -> list[MergeGroup]:
    """Groups of near duplicates in a scope. Nothing is changed."""
    memories = await _current(context, caller, scope)
    groups: list[MergeGroup] = []
    taken: set[object] = set()
    for memory in memories:
        if memory.id in taken:
            continue
        found = await _near(context, caller, scope, memory)
        same = [one for one in found if one.id not in taken and same_statement(memory.content, one.content)]
        if same:
            kept, *others = sorted([memory, *same], key=_worth)
            groups.append(MergeGroup(kept, others))
            taken.update(one.id for one in (memory, *same))
    return groups


async def merge(context: StoreContext, caller: Caller, groups: Sequence[MergeGroup]) -> int:
    """Merge the groups; returns how many memories went into others. Each stays readable by its history and as_of."""
    merged = 0
    for group in groups:
        async with context.database.transaction(caller) as connection:
            provenance = [_origin(one) for one in group.merged]
            tags = [tag for one in group.merged for tag in one.tags]
            await connection.execute(
                SQL["merge_into"], group.kept.id, group.kept.version, tags,
                max(one.importance for one in group.merged), any(one.pinned for one in group.merged),
                next((one.source for one in group.merged if one.source), None), provenance,
            )  # fmt: skip
            now = await connection.fetchval("select now()")
            rows = await connection.fetch(
                SQL["supersede"], [one.id for one in group.merged], group.kept.id, now
            )
        merged += len(rows)
    return merged


def same_statement(one: str, other: str) -> bool:
    """Whether two contents say the same: nearly the same words in one order, one or several of a thing taken alike, the
    same numbers, and neither denies the other. Who reviews whom is told by the order alone.
    """
    first, second = _words(one), _words(other)
    if _numbers(first) != _numbers(second) or set(first) & _OPPOSING != set(second) & _OPPOSING:
        return False
    told, retold = _telling(first), _telling(second)
    union, shared = {*told, *retold}, {*told} & {*retold}
    in_one_order = [word for word in told if word in shared] == [word for word in retold if word in shared]
    return bool(union) and len(shared) / len(union) >= SAME_WORDS and in_one_order


async def _current(context: StoreContext, caller: Caller, scope: str) -> list[Memory]:
    memories: list[Memory] = []
    before = None
    while True:
        page = await listings.list_memories(context, caller, [scope], Filters(), before, PAGE)
        memories += page
        if len(page) < PAGE:
            return memories
        before = (page[-1].recorded_at, page[-1].id)


async def _near(context: StoreContext, caller: Caller, scope: str, memory: Memory) -> list[Memory]:
    vector = await context.query_vector(memory.content)
    async with context.database.transaction(caller) as connection:
        found = await search.find(connection, context, memory.content, vector, [scope], Filters(), 8)
    return [one.memory for one in found if one.memory.id != memory.id]


def _words(text: str) -> list[str]:
    return list(dict.fromkeys(_WORD.findall(text.casefold())))


def _telling(words: Sequence[str]) -> list[str]:
    return [_PLURAL.sub("", word) for word in words if word not in _FILLERS]


def _numbers(words: Sequence[str]) -> set[str]:
    return {word for word in words if any(character.isdigit() for character in word)}


def _worth(memory: Memory) -> tuple[bool, float, float]:
    return (not memory.pinned, -memory.importance, memory.recorded_at.timestamp())


def _origin(memory: Memory) -> dict[str, object]:
    return {
        "id": str(memory.id),
        "content": memory.content,
        "source": memory.source,
        "author": memory.author,
        "recorded_at": memory.recorded_at.isoformat(),
    }
