"""Exports and events with impossible times and values: named, kept aside, and no danger to any other row."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from rookery_core.identity import Caller
from rookery_ingest.slack.applying import Applier, read_event
from rookery_ingest.slack.export.choosing import Options
from rookery_ingest.slack.export.importer import import_export
from rookery_ingest.slack.replaying import replay
from rookery_slackapi.timestamps import format_ts
from slack_shapes import ANYTHING, MESSAGES
from slack_tables import digest_of_tables

if TYPE_CHECKING:
    from rookery_core.database import Database

CALLER = Caller(kind="agent")
NOW = datetime(2024, 3, 1, tzinfo=UTC)
LAST_TS = "253402300799.999999"
WriteExport = Callable[..., Path]


def now() -> datetime:
    return NOW


def message(ts: str, text: str, user: str = "U1", **more: Any) -> dict[str, Any]:
    return {"type": "message", "ts": ts, "text": text, "user": user, **more}


def export(*messages: Any, members: Any = ("U1", "U2"), **files: Any) -> dict[str, Any]:
    return {
        "channels.json": [{"id": "C1", "name": "general", "members": list(members)}],
        "users.json": [{"id": "U1", "team_id": "T1", "name": "ada"}],
        "general/2024-01-01.json": [message("1704100000.000100", "first"), *messages],
        **files,
    }


@pytest.mark.parametrize("ts", [LAST_TS, "1893456000.000100", format_ts(NOW + timedelta(days=1, seconds=1))])
async def test_a_message_of_the_future_is_kept_aside_and_named(
    ingest: Database, write_export: WriteExport, owner_connection: Any, ts: str
) -> None:
    path = write_export(export(message(ts, "from the future")))
    report = await import_export(ingest, CALLER, path, Options(), clock=now)
    assert report.added == report.messages == 1
    assert report.skipped["message dated more than one day in the future, kept aside"] == 1
    tables = await digest_of_tables(owner_connection)
    assert [json.loads(row)["text"] for row in tables["messages"]] == ["first"]
    aside = await owner_connection.fetchrow("select outcome, problem, payload from slack.raw_events")
    assert aside["outcome"] == "failed" and "future" in aside["problem"]
    assert aside["payload"]["text"] == "from the future"
    for table, column in (("coverage", "to_ts"), ("imported_days", "as_of"), ("memberships", "at")):
        assert await owner_connection.fetchval(f"select max({column}) from slack.{table}") <= NOW


async def test_one_message_of_the_future_lets_no_removed_member_read_on(
    ingest: Database, write_export: WriteExport, owner_connection: Any
) -> None:
    late = {"general/2030-01-01.json": [message("1893456000.000100", "2030")]}
    await import_export(ingest, CALLER, write_export(export(**late), name="first"), Options())
    later = export(members=("U1",), **{"general/2024-02-01.json": [message("1706800000.000100", "x")]})
    await import_export(ingest, CALLER, write_export(later, name="second"), Options())
    members = await owner_connection.fetch(
        "select m.member from slack.memberships as m join slack.channels as c on c.id = m.channel "
        "where m.present and m.at >= c.members_as_of"
    )
    assert [row["member"] for row in members] == ["U1"]


async def test_an_edit_of_the_future_is_no_edit(
    ingest: Database, write_export: WriteExport, owner_connection: Any
) -> None:
    odd = message("1704100001.000100", "edited", edited={"user": "U1", "ts": LAST_TS}, thread_ts=LAST_TS)
    report = await import_export(ingest, CALLER, write_export(export(odd)), Options())
    assert report.added == 2
    rows = [json.loads(row) for row in (await digest_of_tables(owner_connection))["messages"]]
    assert rows[1]["edit_ts"] is None and rows[1]["thread_ts"] is None


FUTURE_EVENTS: list[dict[str, Any]] = [
    {"type": "message", "channel": "C1", "ts": LAST_TS, "user": "U1", "text": "hi"},
    {"type": "reaction_added", "user": "U1", "reaction": "tada", "event_ts": LAST_TS,
     "item": {"type": "message", "channel": "C1", "ts": "1704100000.000100"}},
    {"type": "reaction_added", "user": "U1", "reaction": "tada", "event_ts": "1704100001.000100",
     "item": {"type": "message", "channel": "C1", "ts": LAST_TS}},
    {"type": "message", "subtype": "message_changed", "channel": "C1", "event_ts": LAST_TS,
     "message": message("1704100000.000100", "changed")},
    {"type": "message", "subtype": "message_deleted", "channel": "C1", "event_ts": LAST_TS,
     "deleted_ts": "1704100000.000100"},
    {"type": "member_joined_channel", "channel": "C1", "user": "U7", "event_ts": LAST_TS},
    {"type": "channel_archive", "channel": "C1", "event_ts": "1893456000.000100"},
]  # fmt: skip


@pytest.mark.parametrize("event", FUTURE_EVENTS, ids=lambda event: f"{event['type']}.{event.get('subtype')}")
async def test_a_live_event_of_the_future_changes_nothing_and_can_be_replayed(
    ingest: Database, owner_connection: Any, event: dict[str, Any]
) -> None:
    applier = Applier(ingest, CALLER)
    await applier.apply([{"event": {**message("1704100000.000100", "first"), "channel": "C1"}}])
    before = await digest_of_tables(owner_connection)
    applied = await applier.apply([{"event": event}])
    assert (applied.events, applied.failed) == (1, 1)
    assert await digest_of_tables(owner_connection) == before
    assert await owner_connection.fetchval(
        "select problem like '%future' from slack.raw_events where outcome = 'failed'"
    )
    assert (await replay(ingest, CALLER)).left == 1


ODD_VALUES: list[dict[str, Any]] = [
    {"files": [5]}, {"blocks": {}}, {"attachments": "x"}, {"files": "x"}, {"reactions": [5]}, {"reactions": {"a": 1}},
    {"reactions": [{"name": "tada", "users": 7, "count": "x"}]}, {"subtype": ["x"]}, {"text": 5}, {"user": {"a": 1}},
    {"blocks": [{"\0": 1, "type": "x", "n": float("nan")}]}, {"user": "U" * 9000}, {"user_profile": [1]},
    {"attachments": [{"text": "word " * 400_000}]},
    {"text": " ".join(f"w{n}" for n in range(300_000))},
]  # fmt: skip


@pytest.mark.parametrize("odd", ODD_VALUES, ids=lambda odd: next(iter(odd)))
async def test_an_odd_value_costs_no_other_message(
    ingest: Database, write_export: WriteExport, owner_connection: Any, odd: dict[str, Any]
) -> None:
    path = write_export(
        export({**message("1704100001.000100", "odd"), **odd}, message("1704100002.000100", "last"))
    )
    report = await import_export(ingest, CALLER, path, Options())
    rows = [json.loads(row) for row in (await digest_of_tables(owner_connection))["messages"]]
    assert rows[0]["text"] == "first" and rows[-1]["text"] == "last"
    assert len(rows) == 3 or report.skipped


JSON = st.recursive(
    ANYTHING | st.sampled_from(["U1", "C1", "1704100000.000100", LAST_TS, "a\0b", "\ud800", float("nan"), 10**400]),
    lambda inner: st.dictionaries(
        st.sampled_from(["id", "ts", "name", "members", "user", "profile", "topic", "updated", "previous_names", "type",
                         "subtype", "edited", "thread_ts", "event", "item", "message", "channel", "event_ts", "payload"]),
        inner, max_size=6,
    ),
    max_leaves=20,
)  # fmt: skip


def _dated(entry: Any) -> Any:
    return (
        {**message("1704100001.000100", "x"), **cast("dict[str, Any]", entry)}
        if isinstance(entry, dict)
        else entry
    )


def _write(folder: Path, files: Mapping[str, Any]) -> None:
    for name, value in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps(value))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    users=st.lists(JSON, max_size=3) | JSON,
    channels=st.lists(JSON, max_size=3) | JSON,
    day=st.lists(JSON | MESSAGES) | JSON,
)
@example(
    users=[{"id": "U1", "updated": "1e999"}], channels=[{"id": "C1", "members": {}}], day=[{"files": [5]}]
)
def test_no_json_ends_the_reading_of_an_export(users: Any, channels: Any, day: Any) -> None:
    from asyncio import run

    listed: Any = [*channels, {"id": "C1", "name": "general"}] if isinstance(channels, list) else channels
    days: Any = [_dated(entry) for entry in day] if isinstance(day, list) else day  # pyright: ignore[reportUnknownVariableType] arbitrary JSON
    with tempfile.TemporaryDirectory() as folder:
        files: dict[str, Any] = {
            "channels.json": listed,
            "users.json": users,
            "general/2024-01-01.json": days,
        }
        _write(Path(folder), files)
        run(import_export(None, CALLER, Path(folder), Options(dry_run=True, direct=True)))


@settings(max_examples=100, deadline=None)
@given(JSON.filter(lambda value: isinstance(value, dict)), st.sampled_from(
    ["message", "message_changed", "reaction_added", "user_change", "channel_rename", "subteam_updated", "team_rename", "odd"]
))  # fmt: skip
def test_no_live_event_fails_to_be_read(event: dict[str, Any], kind: str) -> None:
    inner = {"event_ts": "1704100000.000100", **event, "type": kind}
    for payload in (event, {"event": event}, {"event": inner}, {"event": {**inner, "subtype": kind}}):
        read = read_event(payload)
        assert read.is_direct in (True, False)


async def test_events_of_any_shape_are_applied_together(ingest: Database, owner_connection: Any) -> None:
    deep: Any = "x"
    for _ in range(500):
        deep = [deep]
    odd: list[Any] = [deep, {"a\0": "b\0"}, float("inf"), 10**300, ["x"], "y" * 9000, LAST_TS]
    payloads = [
        {"event": {**message("1704100000.000100", "odd"), "channel": "C1", name: value}}
        for value in odd
        for name in ("channel", "user", "blocks", "text", "channel_type", "files", "subtype", "thread_ts")
    ]
    applied = await Applier(ingest, CALLER).apply(payloads)
    assert (
        applied.events
        == len(payloads)
        == await owner_connection.fetchval("select count(*) from slack.raw_events")
    )


async def test_folders_of_no_listed_channel_are_a_warning_with_their_messages(
    ingest: Database, write_export: WriteExport
) -> None:
    files = export(
        **{"lost/2024-01-01.json": [message("1704100005.000100", "a"), message("1704100006.000100", "b")]}
    )
    report = await import_export(ingest, CALLER, write_export(files), Options())
    assert report.unlisted == {"lost": 2}
    assert any("2 messages in 1 folders" in warning and "lost" in warning for warning in report.warnings())


async def test_the_workspaces_address_comes_from_permalinks_or_is_a_warning(
    ingest: Database, write_export: WriteExport, owner_connection: Any
) -> None:
    report = await import_export(ingest, CALLER, write_export(export(), name="plain"), Options())
    assert any("--url" in warning for warning in report.warnings())
    linked = message("1704100001.000100", "see <https://acme.slack.com/archives/C1/p1704100000000100>")
    elsewhere = message("1704100002.000100", "<https://evil.slack.com/archives/C7/p1704100000000100> " * 3)
    report = await import_export(ingest, CALLER, write_export(export(linked, elsewhere)), Options())
    assert report.warnings() == []
    assert await owner_connection.fetchval("select url from slack.workspaces") == "https://acme.slack.com"


async def test_a_pasted_document_is_taken_whole(
    ingest: Database, write_export: WriteExport, owner_connection: Any
) -> None:
    text = " ".join(f"word{n}" for n in range(40_000))[:350_000]
    report = await import_export(
        ingest, CALLER, write_export(export(message("1704100001.000100", text))), Options()
    )
    assert report.added == 2
    assert await owner_connection.fetchval("select max(length(text)) from slack.messages") == len(text)
