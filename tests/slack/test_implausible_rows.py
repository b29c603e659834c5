"""Rows dated in the far future that an earlier program stored: every answer comes, and the migration moves them aside."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from rookery_core.identity import Caller
from rookery_slack.observations import Observations
from rookery_slack.settings import SlackSettings
from rookery_slack.store.session import Store
from slack_calls import answer, by_name
from slack_facts import channel, person, said, together

Fill = Callable[[Observations], Awaitable[None]]
MEMBER = Caller(kind="member", user="UADA")


async def _without_constraints(connection: Any) -> None:
    rows = await connection.fetch(
        "select conrelid::regclass::text as name, conname from pg_constraint where conname like '%is_plausible'"
    )
    assert rows
    for row in rows:
        await connection.execute(f"alter table {row['name']} drop constraint {row['conname']}")


async def _spoil(connection: Any) -> None:
    """Messages of the last second of 9999 and of 2030, a membership and a coverage of 2030."""
    for ts in ("9999-12-31 23:59:59.999999+00", "2130-01-01+00"):
        await connection.execute(
            "insert into slack.messages (team, channel, ts, author, text, source) "
            "values ('default', 'CGENERAL', $1::text::timestamptz, 'UADA', 'slow and far', 1)", ts,
        )  # fmt: skip
        await connection.execute(
            "insert into slack.message_index (team, channel, ts, author, public, has_file, has_link, words) "
            "values ('default', 'CGENERAL', $1::text::timestamptz, 'UADA', true, false, false, to_tsvector('simple', 'slow far'))",
            ts,
        )
    await connection.execute("update slack.memberships set at = '2130-01-01+00'")
    await connection.execute(
        "update slack.channels set members_as_of = '2130-01-01+00', name_at = '2130-01-01+00'"
    )
    await connection.execute(
        "insert into slack.coverage values ('default', 'CGENERAL', '2023-01-01+00', '9999-12-31 23:59:59.999999+00')"
    )


def _workspace() -> Observations:
    return together(
        channel("CGENERAL", "general", members=("UADA",)),
        person("UADA", "Ada", tz="Pacific/Kiritimati"),
        *(said("CGENERAL", f"17000{n:05d}.000100", f"slow queries {n}", "UADA") for n in range(40)),
    )


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("search_messages", {"query": "slow queries"}),
        ("search_messages", {"query": "slow queries", "after": "2100-01-01"}),
        ("search_messages", {"query": "from:@ada"}),
        ("search_messages", {"query": "slow after:2100-01-01"}),
        ("get_conversation", {"channel": "#general"}),
        ("catch_up", {"since": "2023-01-01"}),
        ("get_thread", {"channel": "#general", "thread": "253402300799.999999"}),
        ("list_channels", {}),
        ("get_user_activity", {"user": "ada"}),
        ("memory_status", {}),
    ],
)
async def test_no_answer_fails_because_of_a_row_of_the_future(
    store: Store,
    slack_settings: SlackSettings,
    fill: Fill,
    owner_connection: Any,
    tool: str,
    arguments: dict[str, Any],
) -> None:
    await fill(_workspace())
    await _without_constraints(owner_connection)
    await _spoil(owner_connection)
    tools = by_name(store, slack_settings)
    if tool not in tools:
        pytest.fail(f"{tool} is none of {sorted(tools)}")
    shown = await answer(tools[tool], MEMBER, **arguments)
    assert '"as_of": "9999' not in shown and '"as_of": "21' not in shown


async def test_the_migration_moves_rows_of_the_future_aside(fill: Fill, owner_connection: Any) -> None:
    await fill(_workspace())
    await _without_constraints(owner_connection)
    await _spoil(owner_connection)
    from importlib.resources import files

    migration = files("rookery_slack").joinpath("migrations/0009_plausible_times.sql").read_text("utf-8")
    await owner_connection.execute(migration)
    assert await owner_connection.fetchval("select count(*) from slack.messages where ts > now()") == 0
    assert await owner_connection.fetchval(
        "select max(to_ts) from slack.coverage"
    ) < await owner_connection.fetchval("select now()")
    rows = await owner_connection.fetch(
        "select payload from slack.raw_events where outcome = 'failed' order by ts"
    )
    assert rows[-1]["payload"] is not None and len(rows) == 2
    members = await owner_connection.fetch(
        "select m.member from slack.memberships as m join slack.channels as c on c.id = m.channel where m.at >= c.members_as_of"
    )
    assert [row["member"] for row in members] == ["UADA"]
    with pytest.raises(asyncpg.CheckViolationError):
        await _spoil(owner_connection)
