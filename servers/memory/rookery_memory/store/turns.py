"""Storing the turns of conversations, in their order, each once."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from rookery_core.errors import InvalidInput, NotFound
from rookery_core.identity import Caller
from rookery_core.ranking import searchable
from rookery_memory.records import NewTurn, Turn, clean_content
from rookery_memory.scopes import readable_scopes
from rookery_memory.search.index_text import spelled_out, without_names
from rookery_memory.store.context import SQL, StoreContext
from rookery_memory.store.rows import WholeVector, turn_from

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rookery_core.database import Connection, Row

MAX_TURN_CHARS = 2_000_000
MAX_PART_CHARS = 50_000
"""A longer turn is stored as several, so that each part can be found by what it says."""
MAX_AHEAD = timedelta(days=1)
PAUSE = timedelta(hours=1)
TURNS_TOPIC = "memory.turns"
MAX_ORDERING_KEY_CHARS = 900
_QUESTION = re.compile(r"[?？؟;](?=\s*\W*$)|[?？؟][^?？؟]{0,40}$")


@dataclass(frozen=True, slots=True)
class StoredTurns:
    """What became of turns. positions: of those that are new; known: how many the conversation had already."""

    conversation: str
    scope: str
    positions: list[int]
    known: int


@dataclass(frozen=True, slots=True)
class _Placed:
    turn: NewTurn
    id: str
    position: int
    session: int
    session_name: str | None
    content: str

    @property
    def indexed(self) -> str:
        return f"{self.turn.speaker}: {self.content} {spelled_out(self.turn.said_at)}".rstrip()


async def add_turns(
    context: StoreContext,
    caller: Caller,
    scope: str,
    conversation: str,
    turns: Sequence[NewTurn],
    *,
    title: str | None = None,
) -> StoredTurns:
    """Append turns to a conversation of the scope, which is made when it is new.

    A turn whose id the conversation has already is left as it is, so that the same call may be made again. A long turn
    is stored as several. Raises InvalidInput for a turn that `check_turn` refuses, or a scope that is not the caller's.
    """
    if scope not in readable_scopes(caller):
        raise InvalidInput(f"scope must be a scope of the caller, not {scope!r}.")
    name = _conversation_name(conversation)
    for number, turn in enumerate(turns):
        check_turn(turn, f"turns[{number}]")
    async with context.database.transaction(caller) as connection:
        head = await connection.fetchrow(SQL["open_conversation"], scope, name, title)
        assert head is not None
        unknown = await _unknown(connection, scope, name, turns)
        fresh = [part for turn in unknown for part in _parts(turn)]
        last = await connection.fetchrow(SQL["last_turn"], scope, name)
        placed = place(fresh, head["turns"], head["last_at"], last)
        await _insert(connection, scope, name, placed)
        speakers = sorted({*head["speakers"], *(one.turn.speaker for one in placed)})
        await _grow(connection, scope, name, placed, speakers)
        await _embed(connection, context, caller, scope, name, placed, speakers)
        await _announce(connection, context, caller, scope, name, [one.position for one in placed])
    return StoredTurns(name, scope, [one.position for one in placed], len(turns) - len(unknown))


async def read_turns(
    context: StoreContext, caller: Caller, scope: str, conversation: str, first: int, last: int, limit: int
) -> list[Turn]:
    """What was said in a conversation of the scope from one position to another, in order, up to `limit` turns."""
    async with context.database.transaction(caller, readonly=True) as connection:
        rows = await connection.fetch(SQL["turns_between"], scope, conversation, first, last, limit)
    return [turn_from(row) for row in rows]


def place(turns: Sequence[NewTurn], first: int, last_at: datetime | None, last: Row | None) -> list[_Placed]:
    """Give turns their positions and sittings, following what the conversation has already."""
    session = int(last["session"]) if last is not None else 0
    session_name: str | None = last["session_name"] if last is not None else None
    begun, previous = last is not None, last_at
    placed: list[_Placed] = []
    for position, turn in enumerate(turns, start=first):
        if begun and _begins_another(turn, session_name, previous):
            session += 1
        begun = True
        session_name = turn.session or (session_name if turn.said_at is None else None)
        previous = turn.said_at or previous
        content = clean_content(turn.content, f"turns[{position - first}].content", MAX_TURN_CHARS)
        placed.append(_Placed(turn, turn.id or str(position), position, session, turn.session, content))
    return placed


def check_turn(turn: NewTurn, field: str) -> None:
    """Raises InvalidInput for a turn without text, one that is too long, and one said in the future."""
    clean_content(turn.content, f"{field}.content", MAX_TURN_CHARS)
    if turn.said_at is not None and turn.said_at > datetime.now(UTC) + MAX_AHEAD:
        raise InvalidInput(
            f"{field}.said_at must not be in the future.",
            hint="Pass the time when it was said, or leave it out.",
        )


def _parts(turn: NewTurn) -> list[NewTurn]:
    """The turn, in several pieces when it is long; the ids of later pieces follow from its own."""
    content = searchable(turn.content).strip()
    if len(content) <= MAX_PART_CHARS:
        return [turn]
    pieces: list[str] = []
    while content:
        end = _end_of_part(content)
        pieces.append(content[:end])
        content = content[end:].strip()
    return [replace(turn, content=piece, id=_part_id(turn.id, at)) for at, piece in enumerate(pieces)]


def _end_of_part(content: str) -> int:
    """Where the first part ends: after its last paragraph, line or word."""
    if len(content) <= MAX_PART_CHARS:
        return len(content)
    for separator in ("\n\n", "\n", " "):
        at = content.rfind(separator, MAX_PART_CHARS // 2, MAX_PART_CHARS)
        if at > 0:
            return at
    return MAX_PART_CHARS


def _part_id(turn_id: str | None, part: int) -> str | None:
    if turn_id is None or not part:
        return turn_id
    digest = hashlib.sha256(turn_id.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return f"{turn_id[:150]}#{digest}-{part + 1}"


def ends_in_question(text: str) -> bool:
    """Whether a turn asks, so that the next one answers: its last sentence is a question, or nearly the last."""
    return bool(_QUESTION.search(text[-200:]))


def _begins_another(turn: NewTurn, session_name: str | None, previous: datetime | None) -> bool:
    if turn.session is not None or session_name is not None:
        return turn.session != session_name
    return turn.said_at is not None and previous is not None and turn.said_at - previous > PAUSE


def _conversation_name(conversation: str) -> str:
    name = searchable(conversation).strip()
    if not 0 < len(name) <= 500:
        raise InvalidInput("conversation must be a name of 1 to 500 characters.")
    return name


async def _unknown(connection: Connection, scope: str, name: str, turns: Sequence[NewTurn]) -> list[NewTurn]:
    ids = [turn.id for turn in turns if turn.id is not None]
    if not ids:
        return list(turns)
    seen = {row[0] for row in await connection.fetch(SQL["known_turns"], scope, name, ids)}
    fresh: list[NewTurn] = []
    for turn in turns:
        if turn.id is None or turn.id not in seen:
            fresh.append(turn)
            seen.add(turn.id)
    return fresh


async def _insert(connection: Connection, scope: str, name: str, placed: Sequence[_Placed]) -> None:
    columns: list[list[Any]] = [
        [one.position for one in placed],
        [one.id for one in placed],
        [one.session for one in placed],
        [one.session_name for one in placed],
        [searchable(one.turn.speaker) for one in placed],
        [one.content for one in placed],
        [one.turn.said_at for one in placed],
        [ends_in_question(one.content) for one in placed],
        [searchable(one.indexed) for one in placed],
    ]
    if placed:
        await connection.execute(SQL["insert_turns"], scope, name, *columns)


async def _grow(
    connection: Connection, scope: str, name: str, placed: Sequence[_Placed], speakers: Sequence[str]
) -> None:
    times = [one.turn.said_at for one in placed if one.turn.said_at is not None]
    first, last = (min(times), max(times)) if times else (None, None)
    await connection.execute(SQL["grow_conversation"], scope, name, len(placed), list(speakers), first, last)


async def _embed(
    connection: Connection,
    context: StoreContext,
    caller: Caller,
    scope: str,
    name: str,
    placed: Sequence[_Placed],
    speakers: Sequence[str],
) -> None:
    if not context.embeds_inline:
        await context.ask_for_vectors(connection, caller.team, scope)
        return
    vectors = await context.vectors([without_names(one.content, speakers) for one in placed])
    found = [(one, vector) for one, vector in zip(placed, vectors, strict=True) if vector is not None]
    keys = [(scope, name, one.position) for one, _ in found]
    await store_turn_vectors(connection, context, keys, [vector for _, vector in found])


async def store_turn_vectors(
    connection: Connection,
    context: StoreContext,
    keys: Sequence[tuple[str, str, int]],
    vectors: Sequence[NDArray[np.float32]],
) -> None:
    """Store vectors of turns, each by its scope, conversation and position."""
    if keys:
        scopes, conversations, positions = ([key[at] for key in keys] for at in range(3))
        await connection.execute(
            SQL["store_turn_embeddings"],
            context.model,
            scopes,
            conversations,
            positions,
            [WholeVector(vector) for vector in vectors],
        )


async def _announce(
    connection: Connection,
    context: StoreContext,
    caller: Caller,
    scope: str,
    conversation: str,
    positions: Sequence[int],
) -> None:
    """Publish, in the transaction that stores them, that a conversation has new turns.

    The event says whose turns they are and where they are, never their text, so that erasing them leaves no copy.
    """
    if not context.announces or not positions:
        return
    from rookery_core.queue import Queue

    payload: dict[str, Any] = {
        "scope": scope,
        "conversation": conversation,
        "first": min(positions),
        "last": max(positions),
        "caller": {"user": caller.user, "kind": caller.kind, "channel": caller.channel},
    }
    queue = Queue(context.database, team=caller.team)
    ordering_key = f"{scope}/{conversation}"[:MAX_ORDERING_KEY_CHARS]
    try:
        await queue.enqueue(
            TURNS_TOPIC, payload, ordering_key=ordering_key, priority=-2, connection=connection
        )
    except NotFound:  # without a subscription there is nobody who draws facts from turns
        return
