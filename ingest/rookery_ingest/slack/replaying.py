"""Applies raw events again that an earlier program did not understand, or that failed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rookery_ingest.slack.applying import read_event
from rookery_slack.store import sync_state
from rookery_slack.store.writer import Writer

if TYPE_CHECKING:
    from rookery_core.database import Database
    from rookery_core.identity import Caller


@dataclass(slots=True)
class Replayed:
    """How many were applied now, and how many still cannot be."""

    applied: int = 0
    left: int = 0


async def replay(
    database: Database, caller: Caller, *, keep_direct: bool = False, batch: int = 500
) -> Replayed:
    """Go through all of them once, oldest first; through those of direct conversations only with keep_direct."""
    replayed, after, writer = Replayed(), 0, Writer(caller)
    while True:
        async with database.transaction(caller) as connection:
            rows = await sync_state.raw_to_replay(connection, caller, after, batch)
        if not rows:
            return replayed
        for row in rows:
            read = read_event(row["payload"], row["received_at"])
            if read.is_direct and not keep_direct:
                continue
            if read.facts is None or read.problem is not None:
                replayed.left += 1
                continue
            async with database.transaction(caller) as connection:
                await writer.merge(connection, read.facts)
                await sync_state.raw_replayed(connection, caller, [row["id"]])
            replayed.applied += 1
        after = rows[-1]["id"]
