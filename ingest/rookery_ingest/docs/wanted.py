"""An import as it is asked for, on the command line or by a stored source, and the doing of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from rookery_core.errors import NotFound
from rookery_docs.store.writer import Release
from rookery_ingest.docs.importing import Report, Summary
from rookery_ingest.docs.running import DocsIngest, Target
from rookery_ingest.docs.sources import open_source
from rookery_ingest.docs.web import Guest


@dataclass(frozen=True, slots=True)
class Wanted:
    """An import that was asked for. settings: what its kind of source needs. pause_s: between requests."""

    release: Release
    kind: str
    title: str
    settings: dict[str, Any] = field(default_factory=dict[str, Any])
    force: bool = False
    pause_s: float = 0.5


async def stored(ingest: DocsIngest, name: str, *, force: bool = False) -> list[Wanted]:
    """The imports that a stored source was made by, one for each version. Raises NotFound."""
    source = await ingest.writer.source_settings(name)
    if source is None:
        raise NotFound(f"There is no source {name!r}.")
    versions = await ingest.writer.versions(name)
    return [
        Wanted(Release(name, v), source["kind"], source["title"], source["settings"], force) for v in versions
    ]


async def run_one(ingest: DocsIngest, wanted: Wanted, report: Report) -> Summary:
    """One import, from opening its source to its summary."""
    guest = Guest(pause_s=wanted.pause_s)
    try:
        known = await ingest.known_pages(wanted.release)
        opened = await open_source(wanted.kind, wanted.release.version, wanted.settings, known, guest)
        target = Target(wanted.release, wanted.title, wanted.kind, opened.base_url, wanted.settings)
        return await ingest.run(
            target, opened.pages, report=report, complete=opened.whole, force=wanted.force
        )
    finally:
        await guest.close()
