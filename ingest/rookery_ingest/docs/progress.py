"""Shows on stderr how far an import is; standard output is left to the summary."""

from __future__ import annotations

import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager

from rookery_ingest.docs.importing import Report, Summary

_MOST_SHOWN = 10


@contextmanager
def shown(label: str, *, quiet: bool) -> Generator[Report]:
    """A report that draws a line which rewrites itself; silent when stderr is no terminal or `quiet`."""
    if quiet or not sys.stderr.isatty():
        yield lambda _stage, _done: None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(label)
        counts: dict[str, int] = {}

        def report(stage: str, done: int) -> None:
            counts[stage] = done
            progress.update(
                task, description=label + ": " + ", ".join(f"{n:,} {s}" for s, n in counts.items())
            )

        yield report


def lines(summary: Summary) -> list[str]:
    """The summary for people."""
    found = [
        (
            f"{summary.source} {summary.version}: {summary.pages:,} pages, {summary.passages:,} passages "
            f"in {summary.seconds:.1f} s"
        ),
        (
            f"  pages: {summary.added:,} new, {summary.changed:,} changed, {summary.unchanged:,} unchanged, "
            f"{summary.removed:,} removed"
        ),
        (
            f"  passages: {summary.passages_stored:,} stored, of which {summary.passages_reused:,} with a text that was "
            f"there already; {summary.embedded:,} embedded"
        ),
    ]
    if summary.kept:
        found.append(f"  note: {summary.kept}")
    if summary.embedding_failed:
        found.append(f"  note: no vectors for now ({summary.embedding_failed}); the next import adds them")
    if summary.passed_over:
        counts = ", ".join(f"{count:,} {kind}" for kind, count in sorted(summary.passed_over.items()))
        found.append(f"  passed over, because there is no reader for it: {counts}")
    return [*found, *_first("left out", summary.left_out), *_first("could not read", summary.unreadable)]


def _first(what: str, pages: Sequence[tuple[str, str]]) -> list[str]:
    """The first of these pages, each with its reason, and how many more there are."""
    shown = [f"  {what} {path}: {reason}" for path, reason in pages[:_MOST_SHOWN]]
    more = len(pages) - len(shown)
    return [*shown, f"  {what} {more} more"] if more else shown
