"""What goes into memory and what comes out of it."""

from __future__ import annotations

import hashlib
import secrets
import time
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, cast
from uuid import UUID

from rookery_core.errors import InvalidInput
from rookery_core.ranking.texts import searchable

Kind = Literal["fact", "preference", "decision", "episode"]
MAX_CONTENT_CHARS = 20_000
MAX_AHEAD = timedelta(days=36_525)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMemory:
    """Something to remember. valid_from/until: when it holds in the world; expires_at: when to stop showing it.

    conversation and turns: the turns it was drawn from. replaces: ids of the facts that it takes the place of.
    """

    content: str
    kind: Kind = "fact"
    source: str | None = None
    tags: Sequence[str] = ()
    importance: float = 0.5
    pinned: bool = False
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    expires_at: datetime | None = None
    conversation: str | None = None
    turns: Sequence[str] = ()
    replaces: Sequence[UUID] = ()

    def __post_init__(self) -> None:
        _make_storable(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """One version of something remembered, as stored."""

    id: UUID
    version: int
    scope: str
    kind: Kind
    content: str
    source: str | None
    tags: list[str]
    importance: float
    pinned: bool
    conversation: str | None
    turns: list[str]
    author: str | None
    valid_from: datetime
    valid_until: datetime | None
    expires_at: datetime | None
    recorded_at: datetime
    replaced_at: datetime | None
    reason: str | None
    superseded_by: UUID | None
    forgotten_at: datetime | None
    provenance: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Scored:
    """A memory found, with its fused score of 0 to 1, and its lexical and semantic scores."""

    memory: Memory
    score: float
    words: float
    meaning: float


@dataclass(frozen=True, slots=True)
class Remembered:
    """What became of a new memory. duplicate: it was there already, word for word, and was enriched instead.

    superseded: what it replaced. similar: what else it may contradict, the likeliest first.
    """

    id: UUID
    scope: str
    duplicate: bool
    superseded: list[UUID] = field(default_factory=list[UUID])
    similar: list[Scored] = field(default_factory=list[Scored])


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What may be found. as_of: what held at that time, by default now. source: its beginning.
    conversation: drawn from this one; from_turns: drawn from any."""

    kinds: Sequence[Kind] | None = None
    tags: Sequence[str] | None = None
    as_of: datetime | None = None
    since: datetime | None = None
    minimum_importance: float | None = None
    source: str | None = None
    conversation: str | None = None
    from_turns: bool = False

    def __post_init__(self) -> None:
        _make_storable(self)

    def as_row(self) -> tuple[Any, ...]:
        """The composite value memory.filters."""
        kinds, tags = (list(self.kinds) if self.kinds else None), (list(self.tags) if self.tags else None)
        return (
            kinds,
            tags,
            self.as_of,
            self.since,
            self.minimum_importance,
            self.source,
            self.conversation,
            self.from_turns,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTurn:
    """Something said in a conversation. id: the caller's own, unique in it; without one its position.

    session: a name for the sitting it belongs to; without one a pause of an hour begins another.
    """

    speaker: str
    content: str
    id: str | None = None
    said_at: datetime | None = None
    session: str | None = None

    def __post_init__(self) -> None:
        _make_storable(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A turn as stored."""

    scope: str
    conversation: str
    position: int
    id: str
    session: int
    session_name: str | None
    speaker: str
    content: str
    said_at: datetime | None


def _make_storable(record: Any) -> None:
    """Replace in every text of a record what PostgreSQL cannot store."""
    for column in fields(record):
        value = getattr(record, column.name)
        if isinstance(value, str):
            cleaned: Any = searchable(value)
        elif isinstance(value, list | tuple):
            parts = cast(Sequence[Any], value)
            cleaned = [searchable(part) if isinstance(part, str) else part for part in parts]
        else:
            continue
        object.__setattr__(record, column.name, cleaned)


def new_id() -> UUID:
    """A random id that begins with the time, so that rows written together lie together (version 7)."""
    value = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    return UUID(int=value & ~(0xF << 76) & ~(0x3 << 62) | (0x7 << 76) | (0x2 << 62))


def content_hash(content: str) -> bytes:
    """What makes two contents the same: letters and words, not case, spacing or the form of a character."""
    return hashlib.sha256(
        " ".join(unicodedata.normalize("NFKC", content).casefold().split()).encode()
    ).digest()


def clean_content(content: str, field: str = "content", max_chars: int = MAX_CONTENT_CHARS) -> str:
    """The content as it can be stored. Raises InvalidInput when it is blank or too long."""
    text = searchable(content).strip()
    if not text:
        raise InvalidInput(
            f"{field} must not be empty.", hint="Pass a sentence that can be understood alone."
        )
    if len(text) > max_chars:
        raise InvalidInput(
            f"{field} must have at most {max_chars:,} characters, not {len(text):,}.",
            hint="Store the parts that matter, one by one.",
        )
    return text


def check_time(time: datetime | None, field: str) -> None:
    """Raises InvalidInput for a time that is so far in the future that it is a mistake."""
    if time is not None and time > datetime.now(UTC) + MAX_AHEAD:
        raise InvalidInput(
            f"{field} must be at most 100 years in the future, not {time.isoformat()}.",
            hint="Leave it out for a memory without end.",
        )


def clean_tags(tags: Sequence[str]) -> list[str]:
    """Tags in lower case, each once, in their order. Raises InvalidInput for more than 20 or one longer than 64."""
    cleaned = list(dict.fromkeys(searchable(tag).strip().casefold() for tag in tags if tag.strip()))
    if len(cleaned) > 20 or any(len(tag) > 64 for tag in cleaned):
        raise InvalidInput("tags must be at most 20, of at most 64 characters each.")
    return cleaned
