"""What the documentation commands do."""

from __future__ import annotations

import argparse
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rookery_core.errors import InvalidInput, NotFound
from rookery_core.settings import CoreSettings
from rookery_docs.store.writing import Release
from rookery_ingest.docs import postgis, postgres, timescale
from rookery_ingest.docs.importing import Summary
from rookery_ingest.docs.progress import lines, shown
from rookery_ingest.docs.running import DocsIngest, Target
from rookery_ingest.docs.web import Guest

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_TITLES = {"postgres": postgres.TITLE, "postgis": postgis.TITLE, "timescale": timescale.TITLE}


@dataclass(frozen=True, slots=True)
class Wanted:
    """An import as it was asked for, on the command line or by a stored source."""

    release: Release
    kind: str
    title: str
    settings: dict[str, Any] = field(default_factory=dict[str, Any])
    force: bool = False
    pause_s: float = 0.5


async def imported(arguments: argparse.Namespace, settings: CoreSettings) -> int:
    """Import what the arguments name."""
    return await _run(list(_wanted(arguments)), settings, as_json=arguments.json)


async def refresh(arguments: argparse.Namespace, settings: CoreSettings) -> int:
    """Import stored sources again."""
    ingest = await DocsIngest.open(settings)
    try:
        wanted = [
            each for name in arguments.names for each in await stored(ingest, name, force=arguments.force)
        ]
    finally:
        await ingest.close()
    return await _run(wanted, settings, as_json=arguments.json)


async def schedule(arguments: argparse.Namespace, settings: CoreSettings) -> int:
    """Set or end the schedule of a source."""
    from rookery_ingest.docs.scheduling import set_schedule

    print(await set_schedule(settings, arguments.name, arguments.cron, arguments.time_zone))
    return 0


async def worker(arguments: argparse.Namespace, settings: CoreSettings) -> int:
    """Do scheduled imports until stopped."""
    from rookery_ingest.docs.scheduling import work

    await work(settings)
    return 0


async def remove(arguments: argparse.Namespace, settings: CoreSettings) -> int:
    """Remove a source or a version."""
    ingest = await DocsIngest.open(settings)
    try:
        if not await ingest.writer.remove(arguments.name, arguments.version):
            raise NotFound(f"There is no {arguments.name} {arguments.version or ''}".rstrip() + ".")
    finally:
        await ingest.close()
    print(f"removed {arguments.name} {arguments.version or ''}".rstrip())
    return 0


def _wanted(arguments: argparse.Namespace) -> list[Wanted]:
    kind: str = arguments.kind
    several: str | None = getattr(arguments, "versions", None)
    versions = [arguments.version] if several is None else postgres.versions_of(several)
    names = ("base_url", "url", "sitemap", "below", "most_pages")
    settings = {name: value for name in names if (value := getattr(arguments, name, None)) not in (None, "")}
    place: Path | str | None = getattr(arguments, "path", None)
    if isinstance(place, str):
        settings["url"] = place
    elif place:
        settings["path"] = str(place.expanduser().resolve())
    if not _NAME.fullmatch(arguments.name):
        raise InvalidInput(
            f"NAME: {arguments.name!r} cannot name a source.",
            hint="Write lower-case letters, digits, '.', '_' and '-', at most 63, beginning with a letter or digit.",
        )
    title = arguments.title or _TITLES.get(kind) or arguments.name
    pause_s = getattr(arguments, "pause", 0.5)
    if not 0 <= pause_s <= 60:
        raise InvalidInput("--pause: is from 0 to 60 seconds.")
    return [
        Wanted(Release(arguments.name, version), kind, title, settings, arguments.force, pause_s)
        for version in versions
    ]


async def stored(ingest: DocsIngest, name: str, *, force: bool = False) -> list[Wanted]:
    """The imports that a stored source was made by, one for each version. Raises NotFound."""
    source = await ingest.writer.source_settings(name)
    if source is None:
        raise NotFound(f"There is no source {name!r}.")
    versions = await ingest.writer.versions(name)
    return [
        Wanted(Release(name, v), source["kind"], source["title"], source["settings"], force) for v in versions
    ]


async def _run(wanted: list[Wanted], settings: CoreSettings, *, as_json: bool) -> int:
    ingest = await DocsIngest.open(settings)
    unreadable = False
    try:
        for each in wanted:
            with shown(f"{each.release.source} {each.release.version}", quiet=as_json) as report:
                summary = await run_one(ingest, each, report)
            print(json.dumps(summary.as_dict()) if as_json else "\n".join(lines(summary)), flush=True)
            unreadable = unreadable or bool(summary.unreadable)
    finally:
        await ingest.close()
    return 1 if unreadable else 0


async def run_one(ingest: DocsIngest, wanted: Wanted, report: Any) -> Summary:
    """One import, from opening its source to its summary."""
    from rookery_ingest.docs.sources import open_source

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
