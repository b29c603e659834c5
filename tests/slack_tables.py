"""What the tests of the Slack store and of its ingest compare: the final tables of a team, row by row."""

from __future__ import annotations

from typing import Any

FINAL_TABLES = {
    "channels": "id",
    "users": "id",
    "user_groups": "id",
    "memberships": "channel, member",
    "messages": "channel, ts",
    "message_history": "channel, ts, edit_ts",
    "replies": "channel, root_ts, ts",
    "reactions": "channel, ts, emoji, reactor",
    "deleted_files": "id",
    "message_index": "channel, ts",
}


async def digest_of_tables(connection: Any, team: str = "default") -> dict[str, list[str]]:
    """Every row of every final table of a team, as text, without the team and without vectors."""
    found: dict[str, list[str]] = {}
    for table, order in FINAL_TABLES.items():
        rows = await connection.fetch(
            f"select (to_jsonb(t) - 'team' - 'embedding' - 'model')::text as row from slack.{table} as t "
            f"where team = $1 order by {order}",
            team,
        )
        found[table] = [row["row"] for row in rows]
    return found
