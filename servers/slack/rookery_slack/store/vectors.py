"""Which messages want a vector, and storing what the embedder made of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rookery_core import sql
from rookery_slackapi.message_text import MessageContent, searchable_text
from rookery_slackapi.message_text.visibility import channel_references

if TYPE_CHECKING:
    from rookery_core.database import Connection, Row
    from rookery_core.identity import Caller

_SQL = sql.load("rookery_slack.store", "embedding.sql")
CONTEXT_CHARACTERS = 300
SHORT_TEXT = 400
"""A message shorter than this is embedded together with what was said just before it."""


class _Element:
    """A vector as an element of an array parameter: the driver takes anything iterable for a nested array."""

    __slots__ = ("_vector",)

    def __init__(self, vector: Any) -> None:
        self._vector = vector

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return self._vector.astype(dtype)


@dataclass(frozen=True, slots=True)
class Unembedded:
    """A message that wants a vector, and the text to make it of."""

    channel: str
    ts: datetime
    row_version: str
    text: str


async def claim_backlog(connection: Connection, caller: Caller) -> bool:
    """Whether nobody else is making vectors for the team; nobody else will until the transaction ends."""
    return await connection.fetchval(_SQL["claim_backlog"], caller.team)


async def without_vector(connection: Connection, caller: Caller, limit: int) -> list[Unembedded]:
    """The newest messages that have no vector, at most `limit`."""
    rows = await connection.fetch(_SQL["without_vector"], caller.team, limit)
    public = await _public_channels(connection, caller, rows)
    return [
        Unembedded(
            row["channel"],
            row["ts"],
            row["row_version"],
            embedded_text(row["text"], row["content"], row["before_text"], public),
        )
        for row in rows
    ]


async def _public_channels(connection: Connection, caller: Caller, rows: Sequence[Row]) -> frozenset[str]:
    named: set[str] = set()
    for row in rows:
        named |= channel_references(MessageContent(row["text"] or "", row["content"] or {}))
        named |= channel_references(MessageContent(row["before_text"] or ""))
    if not named:
        return frozenset()
    public = await connection.fetch(_SQL["public_among"], caller.team, sorted(named))
    return frozenset(row["id"] for row in public)


def embedded_text(
    text: str | None, content: dict[str, Any] | None, before: str | None, public: Collection[str] = ()
) -> str:
    """What is embedded: what search indexes, and for short messages the end of the one before."""
    own = searchable_text(MessageContent(text or "", content or {}), public)
    if not before or len(own) > SHORT_TEXT:
        return own
    return f"{searchable_text(MessageContent(before), public)[-CONTEXT_CHARACTERS:]}\n{own}"


async def drop_other_models(connection: Connection, caller: Caller, model: str, limit: int) -> int:
    """Let messages whose vectors are of another model want a new one, at most `limit`; returns how many did."""
    status = await connection.execute(_SQL["of_other_model"], caller.team, model, limit)
    return int(status.rpartition(" ")[2])


async def store_vectors(
    connection: Connection, caller: Caller, model: str, messages: Sequence[Unembedded], vectors: Any
) -> None:
    """Store one vector a message; a row of zeros says that there was nothing to embed, and is stored as none."""
    made = [_Element(vector) if vector.any() else None for vector in vectors]
    order = sorted(range(len(messages)), key=lambda at: (messages[at].channel, messages[at].ts))
    columns = [[getattr(messages[at], name) for at in order] for name in ("channel", "ts", "row_version")]
    await connection.execute(_SQL["store_vectors"], caller.team, model, *columns, [made[at] for at in order])
