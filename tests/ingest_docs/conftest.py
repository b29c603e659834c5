"""A small manual on disk, and imports of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from rookery_core.settings import CoreSettings
from rookery_docs.store.writer import Release
from rookery_ingest.docs.folder import read_folder, url_maker
from rookery_ingest.docs.importing import Summary
from rookery_ingest.docs.running import DocsIngest, Target

BASE_URL = "https://docs.example.org/manual/"
ImportFolder = Callable[..., Awaitable[Summary]]


def page(title: str, body: str) -> str:
    """A page as site generators write them."""
    return f"<html><head><title>{title}</title></head><body><nav>skip</nav><main><h1>{title}</h1>{body}</main></body></html>"


@pytest.fixture
def manual(tmp_path: Path) -> Path:
    """Twelve pages in a folder."""
    root = tmp_path / "manual"
    root.mkdir()
    (root / "index.html").write_text(page("Harbour manual", "<p>Everything about the harbour.</p>"))
    (root / "cranes.md").write_text(
        "# Cranes\n\nA crane lifts boxes.\n\n## Limits\n\n`max_load`: forty tons.\n"
    )
    for number in range(10):
        (root / f"berth-{number}.html").write_text(
            page(
                f"Berth {number}",
                f"<h2 id='depth'>Depth</h2><p>Berth {number} is {number + 5} metres deep.</p>",
            )
        )
    return root


@pytest_asyncio.fixture
async def ingest(settings: CoreSettings) -> AsyncIterator[DocsIngest]:
    """The store of this test, open for writing."""
    async with await DocsIngest.open(settings) as opened:
        yield opened


@pytest.fixture
def import_folder(ingest: DocsIngest) -> ImportFolder:
    """Imports a folder under a version and answers with the summary."""

    async def run(root: Path, version: str = "1", **options: Any) -> Summary:
        target = Target(Release("manual", version), "Manual", "folder", BASE_URL, {"path": str(root)})
        pages = read_folder(root, url_maker(root, BASE_URL))
        return await ingest.run(target, pages, report=lambda _stage, _done: None, **options)

    return run
