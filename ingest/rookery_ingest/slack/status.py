"""How complete and how fresh the Slack memory is, for the operator."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from rookery_slack.store import sync_state

if TYPE_CHECKING:
    from rookery_core.database import Database
    from rookery_core.identity import Caller


async def read_status(database: Database, caller: Caller) -> dict[str, Any]:
    """Counts, marks, raw events by outcome, and every channel with what is covered of it."""
    async with database.transaction(caller, readonly=True) as connection:
        counts = await sync_state.counts(connection, caller)
        channels = await sync_state.coverage(connection, caller)
        marks = await sync_state.marks(connection, caller)
        raw = await sync_state.count_raw(connection, caller)
    now = datetime.now(UTC)
    return {
        "counts": dict(counts.items()),
        "marks": {row["name"]: row["at"].isoformat(timespec="seconds") for row in marks},
        "raw_events": [
            {"outcome": row["outcome"], "type": row["type"], "events": row["events"]} for row in raw
        ],
        "channels": [_channel(row, now) for row in channels],
    }


def _channel(row: Any, now: datetime) -> dict[str, Any]:
    stretches: list[list[str]] = row["covered"] or []
    return {
        "id": row["channel"],
        "name": row["name"],
        "kind": row["kind"],
        "messages": row["messages"],
        "without_vector": row["without_vector"],
        "from": stretches[0][0] if stretches else None,
        "to": stretches[-1][1] if stretches else None,
        "gaps": [[before[1], after[0]] for before, after in pairwise(stretches)],
        "lag_s": round((now - datetime.fromisoformat(stretches[-1][1])).total_seconds())
        if stretches
        else None,
    }


def status_text(status: dict[str, Any]) -> str:
    """For people."""
    counts = status["counts"]
    lines = [
        f"{counts['messages']:,} messages in {counts['channels']:,} channels, {counts['users']:,} people",
        f"{counts['without_vector']:,} messages wait for a vector",
    ]
    if counts["channels_of_unknown_kind"]:
        lines.append(
            f"{counts['channels_of_unknown_kind']} channels are hidden: nothing says yet that they are public "
            "(rookery-ingest slack sync finds out)"
        )
    lines += [f"{name}: {at}" for name, at in status["marks"].items()]
    problems = [each for each in status["raw_events"] if each["outcome"] in ("not_understood", "failed")]
    lines += [
        f"{each['events']:,} events {each['outcome'].replace('_', ' ')}: {each['type']}" for each in problems
    ]
    for channel in status["channels"]:
        known = (
            f"{channel['from'][:16]} to {channel['to'][:16]}" if channel["from"] else "nothing known whole"
        )
        gaps = f", {len(channel['gaps'])} gaps" if channel["gaps"] else ""
        lines.append(f"  {channel['name'] or channel['id']}: {channel['messages']:,} messages, {known}{gaps}")
    return "\n".join(lines)
