"""What the documentation commands do."""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

from rookery_core.errors import InvalidInput, NotFound
from rookery_core.foreign.files import named_place
from rookery_core.settings import CoreSettings
from rookery_docs.store.writer import Release
from rookery_ingest.docs import postgis, postgres, timescale
from rookery_ingest.docs.progress import lines, shown
from rookery_ingest.docs.running import DocsIngest
from rookery_ingest.docs.scheduling import set_schedule, work
from rookery_ingest.docs.wanted import Wanted, run_one, stored

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_TITLES = {"postgres": postgres.TITLE, "postgis": postgis.TITLE, "timescale": timescale.TITLE}


async def imported(arguments: argparse.Namespace, settings: CoreSettings) -> int:
    """Import what the arguments name."""
    return await _run(_wanted(arguments), settings, as_json=arguments.json)


async def refresh(arguments: argparse.Namespace, settings: CoreSettings) -> int:
    """Import stored sources again."""
    async with await DocsIngest.open(settings) as ingest:
        wanted = [
            each for name in arguments.names for each in await stored(ingest, name, force=arguments.force)
        ]
    return await _run(wanted, settings, as_json=arguments.json)


async def schedule(arguments: argparse.Namespace, settings: CoreSettings) -> int:
    """Set or end the schedule of a source."""
    print(await set_schedule(settings, arguments.name, arguments.cron, arguments.time_zone))
    return 0


async def worker(arguments: argparse.Namespace, settings: CoreSettings) -> int:
    """Do scheduled imports until stopped."""
    await work(settings)
    return 0


async def remove(arguments: argparse.Namespace, settings: CoreSettings) -> int:
    """Remove a source or a version."""
    async with await DocsIngest.open(settings) as ingest:
        if not await ingest.writer.remove(arguments.name, arguments.version):
            raise NotFound(f"There is no {arguments.name} {arguments.version or ''}".rstrip() + ".")
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
        settings["path"] = str(named_place(place))
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


async def _run(wanted: list[Wanted], settings: CoreSettings, *, as_json: bool) -> int:
    unreadable = False
    async with await DocsIngest.open(settings) as ingest:
        for each in wanted:
            with shown(f"{each.release.source} {each.release.version}", quiet=as_json) as report:
                summary = await run_one(ingest, each, report)
            print(json.dumps(summary.as_dict()) if as_json else "\n".join(lines(summary)), flush=True)
            unreadable = unreadable or bool(summary.unreadable)
    return 1 if unreadable else 0
