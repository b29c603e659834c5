"""Native exports, whole: what is stored, what is left out and named, and that doing it again changes nothing."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

from rookery_core.errors import InvalidInput, NotFound
from rookery_core.identity import Caller
from rookery_core.settings import CoreSettings
from rookery_ingest.slack.export.choosing import Options
from rookery_ingest.slack.export.importer import import_export
from rookery_ingest.slack.export.report import Report
from slack_tables import digest_of_tables

if TYPE_CHECKING:
    from rookery_core.database import Database

CALLER = Caller(kind="agent")
WriteExport = Callable[..., Path]


def message(ts: str, text: str, user: str = "U1", **more: Any) -> dict[str, Any]:
    return {"type": "message", "ts": ts, "text": text, "user": user, **more}


CHANNELS = [
    {
        "id": "C1", "name": "general", "created": 1500000000, "is_archived": False, "members": ["U1", "U2"],
        "topic": {"value": "all of us", "last_set": "1500000001"}, "purpose": {"value": "", "last_set": "0"},
    },
    {"id": "C2", "name": "random", "members": ["U1"], "is_archived": True, "previous_names": ["chat"]},
]  # fmt: skip
USERS = [
    {"id": "U1", "team_id": "T1", "name": "ada", "profile": {"display_name": "Ada"}, "updated": 1600000000},
    {"id": "U2", "team_id": "T1", "name": "bob", "real_name": "Bob", "is_restricted": True},
    {"id": "U9", "team_id": "T9", "name": "zoe", "real_name": "Zoe"},
]


def export(**files: Any) -> dict[str, Any]:
    return {
        "channels.json": CHANNELS,
        "users.json": USERS,
        "general/2024-01-01.json": [
            message("1704100000.000100", "first <@U2>"),
            message("1704100001.000100", "a reply", thread_ts="1704100000.000100"),
            message(
                "1704100002.000100", "edited", edited={"user": "U1", "ts": "1704100009.000000"},
                reactions=[{"name": "tada", "users": ["U1", "U2"], "count": 2}],
            ),
        ],
        "random/2024-01-02.json": [message("1704186400.000100", "somewhere else")],
        **files,
    }  # fmt: skip


async def run(database: Database, path: Path, **options: Any) -> Report:
    return await import_export(database, CALLER, path, Options(**options))


async def test_everything_is_stored(
    ingest: Database, write_export: WriteExport, owner_connection: Any
) -> None:
    report = await run(ingest, write_export(export()))
    assert (report.messages, report.added, report.reactions, report.users) == (4, 4, 2, 3)
    found = await digest_of_tables(owner_connection)
    rows = [json.loads(row) for row in found["messages"]]
    assert [row["text"] for row in rows] == ["first <@U2>", "a reply", "edited", "somewhere else"]
    assert rows[1]["thread_ts"] == rows[0]["ts"]
    assert rows[2]["edit_ts"] > rows[2]["ts"]
    channels = {json.loads(row)["id"]: json.loads(row) for row in found["channels"]}
    assert channels["C1"]["kind"] == "public"
    assert channels["C1"]["topic"] == "all of us"
    assert channels["C2"]["is_archived"] is True
    users = {json.loads(row)["id"]: json.loads(row) for row in found["users"]}
    assert users["U2"]["is_guest"] and users["U9"]["is_stranger"] and not users["U1"]["is_stranger"]
    assert len(found["memberships"]) == 3
    assert len(found["reactions"]) == 2


async def test_a_second_import_changes_nothing(
    ingest: Database, write_export: WriteExport, owner_connection: Any
) -> None:
    path = write_export(export())
    await run(ingest, path)
    before = await digest_of_tables(owner_connection)
    report = await run(ingest, path)
    assert (report.added, report.changed, report.days_known) == (0, 0, 2)
    assert await digest_of_tables(owner_connection) == before


async def test_overlapping_exports_in_any_order_give_one_state(
    ingest: Database, write_export: WriteExport, owner_connection: Any
) -> None:
    later = export()
    later["general/2024-01-01.json"] = [
        message("1704100000.000100", "first, edited", edited={"user": "U1", "ts": "1704300000.000000"}),
        message("1704100001.000100", "", subtype="tombstone", thread_ts="1704100000.000100"),
        message(
            "1704100002.000100", "edited", edited={"user": "U1", "ts": "1704100009.000000"},
            reactions=[{"name": "tada", "users": ["U2"], "count": 1}, {"name": "eyes", "users": ["U1"], "count": 1}],
        ),
    ]  # fmt: skip
    later["general/2024-01-05.json"] = [message("1704460000.000100", "the last day")]
    later["channels.json"] = [
        {**CHANNELS[0], "name": "everybody", "previous_names": ["general"], "members": ["U1"]},
        CHANNELS[1],
    ]
    early, late = write_export(export(), name="early.zip"), write_export(later, name="late")
    for team, paths in (("one", [early, late]), ("two", [late, early]), ("three", [late, early, late])):
        for path in paths:
            await import_export(ingest, Caller(team=team, kind="agent"), path, Options())
    expected = await digest_of_tables(owner_connection, "one")
    assert await digest_of_tables(owner_connection, "two") == expected
    assert await digest_of_tables(owner_connection, "three") == expected
    reactions = [json.loads(row) for row in expected["reactions"]]
    assert {(row["emoji"], row["reactor"]) for row in reactions} == {("tada", "U2"), ("eyes", "U1")}
    assert len(expected["memberships"]) == 2
    assert "first, edited" in expected["messages"][0]
    assert "first <@U2>" in expected["message_history"][0]


async def test_oddities_are_named_and_nothing_else_is_lost(
    ingest: Database, write_export: WriteExport, owner_connection: Any
) -> None:
    files = export(
        **{
            "groups.json": [
                {"id": "G1", "name": "secret", "members": ["U1"]},
                {"id": "G2", "name": "unlisted"},
            ],
            "dms.json": [{"id": "D1", "members": ["U1", "U2"]}],
            "D1/2024-01-01.json": [message("1704100003.000100", "psst")],
            "secret/2024-01-01.json": [message("1704100004.000100", "a secret")],
            "FC:F1:canvas/canvas.json": [{}],
            "nobody-knows/2024-01-01.json": [message("1704100005.000100", "lost channel")],
            "chat/2024-01-03.json": [message("1704300006.000100", "under a former name")],
            "general/notes.txt": b"not a day",
            "general/2024-01-06.json": json.dumps(
                [
                    message("1704500000.000100", "nul \u0000 and half \ud83d"),
                    message("1704500001.000100", "<|endoftext|> " + "long " * 9000),
                    {"type": "message", "text": "no ts"},
                    {"type": "channel_join", "ts": "1704500002.000100"},
                    "not a message",
                    message("1704500003.000100", "bad reactions", reactions="none"),
                    message(
                        "1704500004.000100",
                        "with a file",
                        subtype="file_share",
                        file={"id": "F1", "name": "a.txt"},
                    ),
                ]
            ).encode(),
            "general/2024-01-07.json": b'[{"type": "message", "ts": "1704600000.000100", "text": "kept", "user": "U1"}, {"ty',
            "general/2024-01-08.json": b"\xff\xfe\x00",
            "../outside/2024-01-01.json": [message("1704100006.000100", "outside")],
        }
    )
    report = await run(ingest, write_export(files))
    reasons = " | ".join([*report.skipped, *report.oddities])
    for expected in (
        "direct conversation", "canvas", "no list of channels names", "not a day of messages", "without a usable ts",
        "type 'channel_join'", "not a message", "not as Slack writes them", "rest of a day's file", "NUL",
        "longer than Slack's", "before 2018",
    ):  # fmt: skip
        assert expected in reasons, expected
    assert "left out by --channels" not in reasons and "such as )" not in report.as_text()
    found = await digest_of_tables(owner_connection)
    texts = " | ".join(str(json.loads(row)["text"])[:60] for row in found["messages"])
    for expected in (
        "nul \ufffd and half \ufffd",
        "<|endoftext|>",
        "with a file",
        "kept",
        "former name",
        "a secret",
    ):
        assert expected in texts
    assert "psst" not in texts and "outside" not in texts and "lost channel" not in texts
    kinds = {json.loads(row)["id"]: json.loads(row)["kind"] for row in found["channels"]}
    assert kinds["G1"] == kinds["G2"] == "private"


async def test_bombs_and_links_in_a_zip_are_refused(ingest: Database, write_export: WriteExport) -> None:
    files = export(**{"general/2024-01-09.json": b"[" + b" " * (20 * 1024 * 1024) + b"]"})
    report = await run(ingest, write_export(files))
    assert any("zip bomb" in reason for reason in report.skipped)
    assert report.added == 4


async def test_channels_and_since_and_dry_run(
    ingest: Database, write_export: WriteExport, owner_connection: Any
) -> None:
    path = write_export(export(), name="folder")
    assert (await run(ingest, path, dry_run=True)).messages == 4
    assert (await digest_of_tables(owner_connection))["messages"] == []
    from datetime import date

    report = await run(ingest, path, channels=("#random",), since=date(2024, 1, 2))
    assert report.added == 1
    assert any("left out by --channels" in line and ".json" in line for line in report.as_text().splitlines())
    with pytest.raises(NotFound, match="nowhere"):
        await run(ingest, path, channels=("nowhere",))


async def test_what_is_no_export_is_refused(
    ingest: Database, write_export: WriteExport, tmp_path: Path
) -> None:
    (tmp_path / "not.zip").write_bytes(b"PK nonsense")
    with pytest.raises(InvalidInput, match="not a readable zip"):
        await run(ingest, tmp_path / "not.zip")
    with pytest.raises(InvalidInput, match="not a Slack export"):
        await run(ingest, write_export({"a/b.json": []}, name="other.zip"))
    with pytest.raises(InvalidInput, match="does not exist"):
        await run(ingest, tmp_path / "absent")


async def test_words_are_counted_anew_when_the_store_has_grown(
    ingest: Database, write_export: WriteExport, owner_connection: Any
) -> None:
    from rookery_ingest.slack.statistics import refresh_if_grown

    async def counted_after(day: int, messages: int) -> int:
        said = [message(f"1706{day:02d}{n:04d}.000100", f"more {n}") for n in range(messages)]
        path = write_export(export(**{f"general/2024-02-{day:02d}.json": said}))
        await run(ingest, path)
        await refresh_if_grown(ingest, CALLER)
        return await owner_connection.fetchval(
            "select documents from search.collection where team = 'default'"
        )

    assert await counted_after(1, 96) == 100
    assert await counted_after(2, 4) == 100
    assert await counted_after(3, 2) == 106


async def test_an_export_packed_in_a_folder_and_without_people(
    ingest: Database, write_export: WriteExport
) -> None:
    files = {f"Acme export/{name}": value for name, value in export().items() if name != "users.json"}
    files["__MACOSX/Acme export/._channels.json"] = b"junk"
    report = await run(ingest, write_export(files))
    assert report.added == 4
    assert any("users.json is missing" in name for name in report.oddities)


async def test_discard_rules_and_erased_people_are_kept_out(
    ingest: Database, write_export: WriteExport, owner_connection: Any
) -> None:
    from rookery_slack.store import erasure, sync_state

    async with ingest.transaction(CALLER) as connection:
        await sync_state.add_discard_rule(connection, CALLER, '$.text like_regex "somewhere"', "noise")
        await erasure.erase_user(connection, CALLER, "U7")
    files = export(**{"general/2024-01-10.json": [message("1704800000.000100", "unwanted", user="U7")]})
    report = await run(ingest, write_export(files))
    texts = " ".join((await digest_of_tables(owner_connection))["messages"])
    assert "somewhere" not in texts and "unwanted" not in texts and "first" in texts
    assert report.skipped["message that a discard rule keeps out"] == 1 and report.unchanged == 0


async def test_what_a_rule_kept_out_comes_with_the_next_import_when_the_rule_is_gone(
    ingest: Database, write_export: WriteExport, owner_connection: Any
) -> None:
    from rookery_slack.store import sync_state

    path = write_export(export())
    async with ingest.transaction(CALLER) as connection:
        await sync_state.add_discard_rule(connection, CALLER, '$.text like_regex "somewhere"', "noise")
        number = (await sync_state.discard_rules(connection, CALLER))[0]["id"]
    await run(ingest, path)
    async with ingest.transaction(CALLER) as connection:
        await sync_state.remove_discard_rule(connection, CALLER, number)
    assert (await run(ingest, path)).added == 1
    assert "somewhere" in " ".join((await digest_of_tables(owner_connection))["messages"])


async def test_two_importers_at_once(
    ingest: Database, write_export: WriteExport, owner_connection: Any
) -> None:
    many = export(
        **{
            f"{folder}/2024-02-{day:02d}.json": [
                message(f"17067{day:02d}{n:03d}.000100", f"{folder} {day} {n}") for n in range(40)
            ]
            for folder in ("general", "random")
            for day in range(1, 13)
        }
    )
    path = write_export(many)
    await asyncio.gather(*(run(ingest, path) for _ in range(2)))
    once = Caller(team="once", kind="agent")
    await import_export(ingest, once, path, Options())
    assert await digest_of_tables(owner_connection) == await digest_of_tables(owner_connection, "once")


KILLED = """
import asyncio, os, sys
from pathlib import Path
from rookery_core.database import Database
from rookery_core.identity import Caller
from rookery_core.settings import CoreSettings
from rookery_ingest.slack.export import importer

async def main():
    database = await Database.open(CoreSettings.from_environment(), "rookery_ingest", "killed", max_connections=3)
    merges = 0
    merge = importer._Importer._merge
    async def counted(self, batch):
        nonlocal merges
        await merge(self, batch)
        merges += 1
        print("merged", merges, flush=True)
        if merges == 3:
            sys.stdin.readline()  # the test kills us here, in the middle
    importer._Importer._merge = counted
    importer.BATCH = 50
    await importer.import_export(database, Caller(kind="agent"), Path(sys.argv[1]), importer.Options(workers=1))

asyncio.run(main())
"""


@pytest.mark.slow
async def test_killed_in_the_middle_and_run_again(
    ingest: Database, write_export: WriteExport, owner_connection: Any, settings: CoreSettings
) -> None:
    many = export(
        **{
            f"general/2024-02-{day:02d}.json": [
                message(f"17067{day:02d}{n:03d}.000100", f"day {day} {n}") for n in range(40)
            ]
            for day in range(1, 20)
        }
    )
    path = write_export(many)
    assert settings.database_url is not None
    environment = {**os.environ, "DATABASE_URL": settings.database_url.get_secret_value()}
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path)],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        for line in child.stdout:
            if line.strip() == "merged 3":
                break
        child.send_signal(signal.SIGKILL)
    part = len((await digest_of_tables(owner_connection))["messages"])
    assert 0 < part < 764
    report = await run(ingest, path)
    assert report.days_known > 0
    once = Caller(team="once", kind="agent")
    await import_export(ingest, once, path, Options())
    assert await digest_of_tables(owner_connection) == await digest_of_tables(owner_connection, "once")


@pytest.mark.parametrize("form", ["NFC", "NFD"])
async def test_channels_whose_names_are_not_ascii_arrive_without_the_zips_flag(
    ingest: Database, write_export: WriteExport, form: Literal["NFC", "NFD"]
) -> None:
    name = "caf\N{LATIN SMALL LETTER E WITH ACUTE}-\N{KATAKANA LETTER GA}"
    files = export()
    files["channels.json"] = [*files["channels.json"], {"id": "C9", "name": name, "members": []}]
    files[f"{unicodedata.normalize(form, name)}/2024-01-02.json"] = [
        {"type": "message", "user": "U1", "text": "bonjour", "ts": "1704189600.000100"}
    ]
    path = write_export(files, name="accents.zip")
    data = path.read_bytes()
    for marker, offset in ((b"PK\x03\x04", 7), (b"PK\x01\x02", 9)):
        at = -1
        while (at := data.find(marker, at + 1)) >= 0:
            data = data[: at + offset] + bytes([data[at + offset] & ~0x08]) + data[at + offset + 1 :]
    path.write_bytes(data)
    report = await run(ingest, path)
    assert report.added == 5
    assert not any("no list of channels" in reason for reason in report.skipped)


async def test_links_and_pipes_in_an_unpacked_export_are_refused(
    ingest: Database, write_export: WriteExport, tmp_path: Path
) -> None:
    path = write_export(export(), name="linked")
    (tmp_path / "secret.json").write_text(
        '[{"type":"message","user":"U1","text":"psst","ts":"1704189600.000100"}]'
    )
    (path / "general" / "2024-01-07.json").symlink_to(tmp_path / "secret.json")
    os.mkfifo(path / "general" / "2024-01-08.json")
    report = await run(ingest, path)
    assert report.added == 4
    assert any("leads out" in reason for reason in report.skipped)
    assert any("not a regular file" in reason for reason in report.skipped)


async def test_an_export_that_unpacks_to_far_more_than_it_is_is_refused_as_a_whole(
    ingest: Database, write_export: WriteExport
) -> None:
    days = {f"general/2024-02-{day:02}.json": b"[" + b" " * 15_000_000 + b"]" for day in range(1, 8)}
    with pytest.raises(InvalidInput, match="zip bomb"):
        await run(ingest, write_export(export(**days), name="bomb.zip"))
