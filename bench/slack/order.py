"""Whether the final tables of two teams are the same, byte for byte."""

from __future__ import annotations

from bench.slack.store import BenchStore
from rookery_core.identity import Caller

TABLES = (
    "channels", "users", "user_groups", "memberships", "messages", "message_history", "reactions", "deleted_files",
    "message_index", "replies",
)  # fmt: skip


async def digest(bench: BenchStore, team: str) -> str:
    """Of every row of every final table of a team, without the team's name and vectors."""
    parts: list[str] = []
    async with bench.ingest.transaction(Caller(team=team, kind="agent")) as connection:
        for table in TABLES:
            parts.append(
                await connection.fetchval(
                    "select md5(string_agg(row, E'\\n' order by row)) from (select (to_jsonb(t) - 'team' - 'embedding' "
                    f"- 'model')::text collate \"C\" as row from slack.{table} as t where team = $1) as rows",
                    team,
                )
            )
    return " ".join(map(str, parts))
