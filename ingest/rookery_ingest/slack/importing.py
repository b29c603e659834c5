"""`rookery-ingest slack import`."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rookery_core.embedders import create_embedder
from rookery_core.errors import RookeryError
from rookery_ingest.slack.embedding import embed_backlog
from rookery_ingest.slack.export.choosing import Options
from rookery_ingest.slack.export.importer import import_export
from rookery_ingest.slack.export.report import Report
from rookery_ingest.slack.running import ingest_caller, ingest_database
from rookery_ingest.slack.statistics import refresh_if_grown

if TYPE_CHECKING:
    from rookery_core.database import Database
    from rookery_ingest.slack.settings import SlackIngestSettings

Shown = Callable[[str, int, int | None], None]
"""Called with a stage, how much of it is done, and of how much (None: unknown)."""


async def import_command(arguments: argparse.Namespace, settings: SlackIngestSettings) -> int:
    """Import, then make vectors; print what was done and what was left out.

    The exit status is 1 if messages were left out because no list names their channel.
    """
    options = Options(
        channels=arguments.channels,
        since=arguments.since,
        dry_run=arguments.dry_run,
        workers=arguments.workers,
        url=arguments.url,
        direct=arguments.dms or settings.ingest_dms,
    )
    caller = ingest_caller(settings)
    with shown(quiet=arguments.json) as show:
        if options.dry_run:
            report = await import_export(None, caller, arguments.path, options, _days(show))
        else:
            async with ingest_database(settings, connections=options.workers + 1) as database:
                report = await import_export(database, caller, arguments.path, options, _days(show))
                await _finish(database, settings, report, vectors=not arguments.no_vectors, show=show)
    print(json.dumps(report.as_json(), ensure_ascii=False) if arguments.json else report.as_text())
    return 1 if report.unlisted.total() else 0


async def _finish(
    database: Database, settings: SlackIngestSettings, report: Report, *, vectors: bool, show: Shown
) -> None:
    """Count words again where much is new, and make the vectors that are wanted."""
    started = time.monotonic()
    caller = ingest_caller(settings)
    if report.added or report.changed:
        await refresh_if_grown(database, caller)
        report.seconds += time.monotonic() - started
    embedder = create_embedder(settings) if vectors else None
    if embedder is not None:
        try:
            async for done in embed_backlog(database, caller, embedder):
                report.embedded += done
                show("vectors", report.embedded, None)
        except RookeryError as error:
            report.note(
                f"no vectors for now, rookery-ingest worker makes them later: {error}", embedder.model
            )
        finally:
            await embedder.close()
    report.seconds_searchable += time.monotonic() - started


def _days(show: Shown) -> Callable[[int, int], None]:
    return lambda done, total: show("days", done, total)


@contextmanager
def shown(*, quiet: bool) -> Generator[Shown]:
    """Draws progress on stderr; silent when that is no terminal, or when asked to be quiet."""
    if quiet or not sys.stderr.isatty():
        yield lambda _stage, _done, _total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        tasks = {stage: progress.add_task(stage, total=None, visible=False) for stage in ("days", "vectors")}

        def show(stage: str, done: int, total: int | None) -> None:
            progress.update(tasks[stage], completed=done, total=total, visible=True)

        yield show
