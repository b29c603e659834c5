"""kill -9 in the middle of an import: the next run finishes it, nothing lost or doubled."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from rookery_core.settings import CoreSettings
from rookery_ingest.docs.importing import BATCH_PAGES, Summary

SLOW_PAGES = """
import asyncio, sys
from pathlib import Path
from rookery_core.settings import CoreSettings
from rookery_docs.store.writer import Release
from rookery_ingest.docs.folder import read_folder, url_maker
from rookery_ingest.docs.running import DocsIngest, Target

async def stalling(pages, after):
    count = 0
    async for page in pages:
        if count == after:
            print("stalled", flush=True)
            await asyncio.Event().wait()
        count += 1
        yield page

async def main(root, base, after):
    ingest = await DocsIngest.open(CoreSettings.from_environment())
    target = Target(Release("manual", "1"), "Manual", "folder", base)
    pages = stalling(read_folder(root, url_maker(root, base)), after)
    await ingest.run(target, pages, report=lambda stage, done: None)

asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
"""


@pytest.mark.slow
async def test_the_next_run_finishes_a_killed_import(
    tmp_path: Path,
    settings: CoreSettings,
    import_folder: Callable[..., Awaitable[Summary]],
    owner_connection: Any,
) -> None:
    root = tmp_path / "many"
    root.mkdir()
    total = BATCH_PAGES * 2 + 10
    for number in range(total):
        (root / f"page-{number:03}.md").write_text(f"# Page {number}\n\nThis is page {number} of many.\n")
    assert settings.database_url is not None
    environment = {**os.environ, "DATABASE_URL": settings.database_url.get_secret_value()}
    base = "https://docs.example.org/manual/"
    command = [sys.executable, "-c", SLOW_PAGES, str(root), base, str(BATCH_PAGES + 5)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"stalled\n"
        process.send_signal(signal.SIGKILL)
    assert await owner_connection.fetchval("select count(*) from docs.page") == BATCH_PAGES
    summary = await import_folder(root)
    assert (summary.added, summary.unchanged, summary.pages) == (total - BATCH_PAGES, BATCH_PAGES, total)
    assert await owner_connection.fetchval("select count(*) from docs.passage") == total
    assert await owner_connection.fetchval("select count(*) from docs.embedding") == total
