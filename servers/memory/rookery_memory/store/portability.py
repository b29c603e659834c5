"""A scope as JSON lines, out and in again."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from rookery_core.errors import InvalidInput
from rookery_core.identity import Caller
from rookery_memory.records import NewTurn, check_time, content_hash
from rookery_memory.store.context import SQL, StoreContext
from rookery_memory.store.rows import indexed_text, memory_from, turn_from
from rookery_memory.store.turns import add_turns

FORMAT = "rookery-memory"
FORMAT_VERSION = 1
READABLE = "Pass a file that `rookery-memory export` wrote, or the JSON lines of the reference memory server."
BATCH = 500
_NAMESPACE = UUID("7b0c5a52-6d3c-4c0e-9d4b-5a3f7e9a1c11")


@dataclass(slots=True)
class ImportReport:
    """What an import stored, and what was there already."""

    memories: int = 0
    links: int = 0
    turns: int = 0
    known: int = 0


async def export_scope(context: StoreContext, caller: Caller, scope: str) -> AsyncIterator[str]:
    """The lines of an export: a header, then every version of every memory, links, conversations with their turns."""
    async with context.database.transaction(caller, readonly=True) as connection:
        yield _line({"type": FORMAT, "version": FORMAT_VERSION, "team": caller.team, "scope": scope})
        for row in await connection.fetch(SQL["export_memories"], scope):
            yield _line({"type": "memory", **asdict(memory_from(row))})
        for row in await connection.fetch(SQL["export_links"], scope):
            yield _line({"type": "link", **dict(row.items())})
        for conversation in await connection.fetch(SQL["export_conversations"], scope):
            yield _line({"type": "conversation", **dict(conversation.items())})
            for row in await connection.fetch(SQL["export_turns"], scope, conversation["id"]):
                yield _line({"type": "turn", **asdict(turn_from(row))})


async def import_lines(
    context: StoreContext, caller: Caller, scope: str, lines: Iterable[str]
) -> ImportReport:
    """Store the lines of an export in a scope. The same import again changes nothing.

    In another scope or team than they come from, memories get ids of their own. Raises InvalidInput, which names
    the line, for what is not an export; what stands before it is stored.
    """
    report = ImportReport()
    importer = _Importer(context, caller, scope, report)
    for number, line in enumerate(lines, start=1):
        if line.strip():
            await importer.take(number, object_of(number, line))
    await importer.flush()
    return report


class _Importer:
    """Takes the objects of an export one by one, and stores turns in batches."""

    def __init__(self, context: StoreContext, caller: Caller, scope: str, report: ImportReport) -> None:
        self._context, self._caller, self._scope, self._report = context, caller, scope, report
        self._same_place: bool | None = None
        self._conversation: str | None = None
        self._turns: list[NewTurn] = []

    async def take(self, number: int, entry: dict[str, Any]) -> None:
        kind = entry.get("type")
        if self._same_place is None:
            if kind != FORMAT or entry.get("version") != FORMAT_VERSION:
                raise InvalidInput(
                    "import: file must be an export of rookery-memory of this version.", hint=READABLE
                )
            self._same_place = (entry.get("team"), entry.get("scope")) == (self._caller.team, self._scope)
            return
        try:
            await self._store(kind, entry)
        except InvalidInput as error:
            raise InvalidInput(f"import: line {number}: {error}") from None
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidInput(f"import: line {number}: {type(error).__name__}: {error}") from None

    async def flush(self) -> None:
        """Store the turns that wait."""
        if self._conversation is not None and self._turns:
            stored = await add_turns(
                self._context, self._caller, self._scope, self._conversation, self._turns
            )
            self._report.turns += len(stored.positions)
            self._report.known += stored.known
        self._turns = []

    async def _store(self, kind: Any, entry: dict[str, Any]) -> None:
        if kind == "memory":
            await self._memory(entry)
        elif kind == "link":
            await self._link(entry)
        elif kind == "conversation":
            await self.flush()
            self._conversation = str(entry["id"])
        elif kind == "turn":
            self._turns.append(_turn(entry))
            if len(self._turns) >= BATCH:
                await self.flush()
        else:
            raise ValueError(f"unknown type {kind!r}")

    def _id(self, text: str) -> UUID:
        own = UUID(text)
        return own if self._same_place else uuid5(_NAMESPACE, f"{self._caller.team}/{self._scope}/{own}")

    async def _memory(self, entry: dict[str, Any]) -> None:
        content: str = entry["content"]
        times = [
            _time(entry[name])
            for name in ("valid_from", "valid_until", "expires_at", "recorded_at", "replaced_at")
        ]
        successor = self._id(entry["superseded_by"]) if entry.get("superseded_by") else None
        async with self._context.database.transaction(self._caller) as connection:
            stored = await connection.fetchval(
                SQL["restore_memory"], self._id(entry["id"]), entry["version"], self._scope, entry["kind"], content,
                content_hash(content), entry["source"], entry["tags"], entry["importance"], entry["pinned"],
                entry["conversation"], entry["turns"], entry["author"], *times, entry["reason"], successor,
                entry["provenance"], indexed_text(content, entry["tags"]),
            )  # fmt: skip
        if stored is None:
            self._report.known += 1
        else:
            self._report.memories += 1

    async def _link(self, entry: dict[str, Any]) -> None:
        async with self._context.database.transaction(self._caller) as connection:
            new = await connection.fetch(
                SQL["insert_links"],
                self._scope,
                [self._id(entry["from_id"])],
                [entry["relation"]],
                [self._id(entry["to_id"])],
            )
        self._report.links += len(new)
        self._report.known += 1 - len(new)


def _turn(entry: dict[str, Any]) -> NewTurn:
    return NewTurn(
        speaker=entry["speaker"],
        content=entry["content"],
        id=entry["id"],
        said_at=_time(entry["said_at"]),
        session=entry["session_name"] or str(entry["session"]),
    )


def _time(text: str | None) -> datetime | None:
    time = datetime.fromisoformat(text) if text else None
    check_time(time, "time")
    return time


def object_of(number: int, line: str) -> dict[str, Any]:
    """The JSON object of a line. Raises InvalidInput, which names the line, for anything else."""
    try:
        entry = json.loads(line)
    except ValueError:
        entry = None
    if not isinstance(entry, dict):
        raise InvalidInput(f"import: line {number} is not a JSON object.", hint=READABLE)
    return entry  # pyright: ignore[reportUnknownVariableType] keys of a JSON object are strings


def _line(entry: dict[str, Any]) -> str:
    return json.dumps(entry, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
