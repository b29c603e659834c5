"""What ingest remembers between runs: days read, stretches covered, marks, shared limits, raw events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import asyncpg

from rookery_core import sql
from rookery_core.errors import InvalidInput

if TYPE_CHECKING:
    from rookery_core.database import Connection, Row
    from rookery_core.identity import Caller

_SQL = sql.load("rookery_slack.store", "bookkeeping.sql")
Stretch = tuple[datetime, datetime]
"""From one moment to another, both included."""


async def known_days(connection: Connection, caller: Caller, as_of: datetime) -> set[tuple[str, str, bytes]]:
    """Days (channel, day, digest) that were read whole at `as_of` or later."""
    rows = await connection.fetch(_SQL["known_days"], caller.team, as_of)
    return {(row["channel"], row["day"], row["digest"]) for row in rows}


async def remember_day(
    connection: Connection,
    caller: Caller,
    channel: str,
    day: str,
    digest: bytes,
    as_of: datetime,
    messages: int,
) -> None:
    """A day was read whole."""
    await connection.execute(_SQL["remember_day"], caller.team, channel, day, digest, as_of, messages)


async def forget_days(connection: Connection, caller: Caller, channel: str | None = None) -> None:
    """Days of a channel (None: of all) are to be read again when they come again."""
    await connection.execute(_SQL["forget_days"], caller.team, channel)


async def cover(connection: Connection, caller: Caller, stretches: Mapping[str, Stretch]) -> None:
    """Every message of these channels in their stretches is here."""
    if stretches:
        starts, ends = zip(*stretches.values(), strict=True)
        await connection.execute(_SQL["lock_coverage"], caller.team)
        await connection.execute(_SQL["cover"], caller.team, list(stretches), list(starts), list(ends))


async def coverage_of(
    connection: Connection, caller: Caller, channel: str
) -> list[tuple[datetime, datetime]]:
    """The stretches of a channel that are known whole, oldest first."""
    rows = await connection.fetch(_SQL["coverage_of"], caller.team, channel)
    return [(row["from_ts"], row["to_ts"]) for row in rows]


async def coverage(connection: Connection, caller: Caller) -> list[Row]:
    """Every channel with what is known of it, for the operator."""
    return await connection.fetch(_SQL["coverage"], caller.team)


async def knows_workspace_url(connection: Connection, caller: Caller) -> bool:
    """Whether the address of a workspace is stored, where permalinks lead."""
    return await connection.fetchval(_SQL["knows_workspace_url"], caller.team)


async def set_mark(
    connection: Connection, caller: Caller, name: str, at: datetime, detail: Any = None
) -> None:
    """Remember when something was last done."""
    await connection.execute(_SQL["set_mark"], caller.team, name, at, detail)


async def mark(connection: Connection, caller: Caller, name: str) -> datetime | None:
    """When it was last done."""
    row = await connection.fetchrow(_SQL["mark"], caller.team, name)
    return None if row is None else row["at"]


async def marks(connection: Connection, caller: Caller) -> list[Row]:
    """Everything that is marked."""
    return await connection.fetch(_SQL["marks"], caller.team)


async def take_turn(connection: Connection, caller: Caller, method: str, spacing_s: float) -> float:
    """Reserve the next call of a method of Slack's API; returns the seconds to wait before making it."""
    return await connection.fetchval(_SQL["take_turn"], caller.team, method, spacing_s)


async def back_off(connection: Connection, caller: Caller, method: str, wait_s: float) -> None:
    """Slack said to wait: no copy of the program calls the method before."""
    await connection.execute(_SQL["back_off"], caller.team, method, wait_s)


async def keep_raw(connection: Connection, caller: Caller, rows: Sequence[Sequence[Any]]) -> None:
    """Keep raw events: (event_id, type, channel, ts, outcome, problem, payload as JSON text) each."""
    if rows:
        await connection.execute(
            _SQL["keep_raw"], caller.team, *(list(column) for column in zip(*rows, strict=True))
        )


async def raw_to_replay(connection: Connection, caller: Caller, after: int, limit: int) -> list[Row]:
    """Raw events that were not understood or failed, oldest first: received_at, id, payload."""
    return await connection.fetch(_SQL["raw_to_replay"], caller.team, after, limit)


async def raw_replayed(connection: Connection, caller: Caller, ids: Sequence[int]) -> None:
    """These raw events are applied now."""
    await connection.execute(_SQL["raw_replayed"], caller.team, list(ids))


async def count_raw(connection: Connection, caller: Caller) -> list[Row]:
    """How many raw events are kept, by outcome and type."""
    return await connection.fetch(_SQL["count_raw"], caller.team)


async def expire_raw(connection: Connection, caller: Caller, days: int) -> None:
    """Delete raw events older than this."""
    await connection.execute(_SQL["expire_raw"], caller.team, days)


async def counts(connection: Connection, caller: Caller) -> Row:
    """How much there is."""
    row = await connection.fetchrow(_SQL["counts"], caller.team)
    assert row is not None
    return row


async def counted_and_held(connection: Connection, caller: Caller, collection: str) -> tuple[int | None, int]:
    """How many public messages there were when their words were counted last (None: never), and how many there are."""
    row = await connection.fetchrow(_SQL["counted_and_held"], caller.team, collection)
    assert row is not None
    return row["counted"], row["held"]


async def set_retention(connection: Connection, caller: Caller, channel: str, keep_days: int | None) -> None:
    """Keep a channel ('*': all without a rule) for so many days; None: without limit. Exports that were
    read before are read again when they are imported again: what a shorter time kept out may be wanted now."""
    await forget_days(connection, caller)
    if keep_days is None:
        await connection.execute(_SQL["clear_retention"], caller.team, channel)
    else:
        await connection.execute(_SQL["set_retention"], caller.team, channel, keep_days)


async def retention_rules(connection: Connection, caller: Caller) -> dict[str, int]:
    """Days kept, by channel."""
    rows = await connection.fetch(_SQL["retention_rules"], caller.team)
    return {row["channel"]: row["keep_days"] for row in rows}


async def add_discard_rule(connection: Connection, caller: Caller, rule: str, note: str | None) -> int:
    """Never store messages that match a jsonpath predicate; returns the rule's id.

    Raises InvalidInput when it is no jsonpath.
    """
    try:
        return await connection.fetchval(_SQL["add_discard_rule"], caller.team, rule, note)
    except (asyncpg.DataError, asyncpg.SyntaxOrAccessError) as error:
        raise InvalidInput(
            f"rule: {rule[:200]!r} is no jsonpath ({error}).",
            hint="""Such as '$.text like_regex "secret"'.""",
        ) from None


async def discard_rules(connection: Connection, caller: Caller) -> list[Row]:
    """What is never stored: id, rule, note."""
    return await connection.fetch(_SQL["discard_rules"], caller.team)


async def remove_discard_rule(connection: Connection, caller: Caller, number: int) -> bool:
    """Whether there was such a rule. What it kept out stays out until it is read again, from an export or Slack."""
    await forget_days(connection, caller)
    return await connection.fetchval(_SQL["remove_discard_rule"], caller.team, number) is not None


async def compact_chunks(connection: Connection) -> int:
    """Turn chunks older than 45 days into columns, where the server has TimescaleDB; returns how many."""
    return await connection.fetchval(_SQL["compact_chunks"])


async def refresh_planner(connection: Connection) -> None:
    """Update the planner's statistics. In a separate transaction, because it waits for others that do the same."""
    await connection.execute(_SQL["refresh_planner"])


async def commit_lazily(connection: Connection) -> None:
    """Do not wait for the disk at the end of this transaction; for work that is done again if it is lost."""
    await connection.execute(_SQL["commit_lazily"])
