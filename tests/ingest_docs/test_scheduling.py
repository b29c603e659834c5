"""Scheduled imports go through the queue."""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path

import pytest

from rookery_core.errors import InvalidInput, NotFound
from rookery_core.queue import Queue, Worker
from rookery_core.settings import CoreSettings
from rookery_docs.store.writer import Release
from rookery_ingest.docs.commands import add_commands
from rookery_ingest.docs.importing import Import, delivered
from rookery_ingest.docs.operating import imported
from rookery_ingest.docs.running import DocsIngest
from rookery_ingest.docs.scheduling import SUBSCRIPTION, TOPIC, Refresher, set_schedule
from rookery_ingest.docs.wanted import stored


def parsed(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_commands(parser.add_subparsers())
    return parser.parse_args(["docs", *arguments])


async def test_a_stored_source_is_imported_again_by_an_event(
    manual: Path, settings: CoreSettings, ingest: DocsIngest, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await imported(parsed("add", "manual", str(manual), "--version", "1", "--json"), settings) == 0
    assert json.loads(capsys.readouterr().out)["added"] == 12
    assert "manual is imported again at" in await set_schedule(settings, "manual", "0 4 * * 1", "UTC")
    queue = Queue(ingest.database, team=settings.team)
    [scheduled] = await queue.schedules.list()
    assert (scheduled["topic"], scheduled["payload"]) == (TOPIC, {"source": "manual"})
    (manual / "new.md").write_text("# New\n\nA page.")

    refresher = Refresher(ingest)
    await queue.enqueue(TOPIC, {"source": "manual"})
    worker = Worker(queue, {SUBSCRIPTION: refresher.handle}, concurrency=1, poll_s=0.05)
    async with worker:
        while worker.completed == 0:
            await asyncio.sleep(0.01)
    assert "new.md" in await ingest.known_pages(Release("manual", "1"))
    assert "no longer" in await set_schedule(settings, "manual", None, "UTC")
    assert await queue.schedules.list() == []


async def test_an_unknown_source_cannot_be_scheduled(settings: CoreSettings, ingest: DocsIngest) -> None:
    with pytest.raises(NotFound):
        await set_schedule(settings, "nothing", "0 4 * * 1", "UTC")
    with pytest.raises(NotFound):
        await stored(ingest, "nothing")


async def test_removing_a_version_leaves_the_others(manual: Path, ingest: DocsIngest) -> None:
    for version in ("1", "2"):
        release = Release("manual", version)
        await ingest.writer.put_source(release, title="M", kind="folder", base_url="", settings={})
        await Import(ingest.writer, None, release, lambda _s, _d: None).run(
            delivered([]), complete=lambda: True
        )
    assert await ingest.writer.remove("manual", "1")
    assert await ingest.writer.versions("manual") == ["2"]
    assert not await ingest.writer.remove("manual", "9")
    assert await ingest.writer.remove("manual")


def test_every_command_has_help_and_parses() -> None:
    for arguments in (
        ["postgres", "14..18"],
        ["timescale", "--from", "x"],
        ["site", "https://x/", "--name", "x"],
        ["llms", "https://x/llms.txt", "--name", "x"],
        ["git", ".", "--name", "x", "--below", "docs"],
        ["refresh", "a", "b"],
        ["schedule", "a", "0 4 * * 1"],
        ["worker"],
        ["remove", "a", "--version", "1"],
    ):
        assert callable(parsed(*arguments).run)


async def test_a_name_that_no_source_can_have_is_refused(settings: CoreSettings, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="NAME"):
        await imported(parsed("add", "Bad!", str(tmp_path)), settings)
