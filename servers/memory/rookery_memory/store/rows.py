"""Rows of the database as records, and records as columns."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any
from uuid import UUID

from rookery_memory.records import Memory, NewMemory, Turn, clean_content, clean_tags, content_hash
from rookery_memory.search.index_text import spelled_out

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rookery_core.database import Row

_MEMORY = tuple(field.name for field in fields(Memory))
_TURN = tuple(field.name for field in fields(Turn))


def memory_from(row: Row) -> Memory:
    """A version of a memory out of a row that has at least its columns."""
    return Memory(**{name: row[name] for name in _MEMORY})


def turn_from(row: Row) -> Turn:
    """A turn out of a row that has at least its columns."""
    return Turn(**{name: row[name] for name in _TURN})


def indexed_text(content: str, tags: Sequence[str], new: NewMemory | None = None) -> str:
    """What words a memory is found by: its content, its tags, and the date it is about when one was given."""
    date = spelled_out(new.valid_from) if new is not None else ""
    return " ".join([content, *tags, date]).strip()


def insert_columns(ids: Sequence[UUID], scope: str, news: Sequence[NewMemory]) -> list[list[Any]]:
    """The columns of `insert_memories`, from its second parameter on. Raises InvalidInput for a bad content or tag."""
    contents = [clean_content(new.content) for new in news]
    tags = [clean_tags(new.tags) for new in news]
    return [
        list(ids),
        [scope] * len(news),
        [new.kind for new in news],
        contents,
        [content_hash(content) for content in contents],
        [new.source for new in news],
        [json.dumps(own) for own in tags],  # an array of arrays would have to be rectangular
        [new.importance for new in news],
        [new.pinned for new in news],
        [new.conversation for new in news],
        [json.dumps(list(new.turns)) for new in news],
        [new.valid_from for new in news],
        [new.valid_until for new in news],
        [new.expires_at for new in news],
        [
            indexed_text(content, own_tags, new)
            for content, own_tags, new in zip(contents, tags, news, strict=True)
        ],
    ]


class WholeVector:
    """A vector as an element of a column: asyncpg would take a bare array in a list for a further dimension."""

    __slots__ = ("_vector",)

    def __init__(self, vector: NDArray[np.float32]) -> None:
        self._vector = vector

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return self._vector if dtype is None else self._vector.astype(dtype)
