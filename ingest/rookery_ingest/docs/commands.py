"""`rookery-ingest docs …`: what fills the documentation store."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from rookery_core.errors import RookeryError
from rookery_core.settings import CoreSettings
from rookery_core.telemetry import configure_logging

Command = Callable[[argparse.Namespace, CoreSettings], Coroutine[Any, Any, int]]
_Subparsers = argparse._SubParsersAction  # pyright: ignore[reportPrivateUsage] argparse has no public name for it

_EPILOG = """\
examples:
  rookery-ingest docs add handbook ./handbook --base-url https://docs.example.org/
"""


def add_commands(subparsers: _Subparsers[argparse.ArgumentParser]) -> None:
    """Add `docs` to a command line. The parsed arguments then have `run`: call it with them for the exit status."""
    parser = subparsers.add_parser(
        "docs",
        help="import documentation: folders, manuals, sites, working copies",
        description="Import documentation: folders, manuals, sites, working copies.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    _add_folder(actions, "add")


def _add_folder(actions: _Subparsers[argparse.ArgumentParser], name: str) -> None:
    action = actions.add_parser(
        name, help="a folder of documents", description="Import a folder of documents."
    )
    action.add_argument("name", metavar="NAME", help="the source's name in searches, such as handbook")
    action.add_argument("path", metavar="PATH", type=Path, help="a folder, or one file")
    _common(action)
    action.set_defaults(run=_runner(_folder))


def _common(action: argparse.ArgumentParser) -> None:
    action.add_argument(
        "--version", default="latest", help="the version these documents describe (default: latest)"
    )
    action.add_argument(
        "--base-url", help="where the documents are read; paths are appended (default: file URLs)"
    )
    action.add_argument("--title", help="what people call the source (default: its name)")
    action.add_argument("--force", action="store_true", help="remove vanished pages however many they are")
    action.add_argument("--json", action="store_true", help="print the summary as JSON on standard output")


def _runner(command: Command) -> Callable[[argparse.Namespace], int]:
    def run(arguments: argparse.Namespace) -> int:
        try:
            settings = CoreSettings.from_environment()
            configure_logging(settings)
            return asyncio.run(command(arguments, settings))
        except RookeryError as error:
            print(f"rookery-ingest docs {arguments.action}: {error}", file=sys.stderr)
            return error.exit_status
        except KeyboardInterrupt:
            print("stopped; the next run goes on from here", file=sys.stderr)
            return 130

    return run


async def _folder(arguments: argparse.Namespace, settings: CoreSettings) -> int:
    from rookery_docs.store.writing import Release
    from rookery_ingest.docs.folder import read_folder, url_maker
    from rookery_ingest.docs.progress import lines, shown
    from rookery_ingest.docs.running import DocsIngest, Target

    url_of = url_maker(arguments.path, arguments.base_url)
    target = Target(
        Release(arguments.name, arguments.version),
        title=arguments.title or arguments.name,
        kind="folder",
        base_url=url_of(""),
        settings={"path": str(arguments.path.resolve()), "base_url": arguments.base_url},
    )
    ingest = await DocsIngest.open(settings)
    try:
        with shown(arguments.name, quiet=arguments.json) as report:
            pages = read_folder(arguments.path, url_of)
            summary = await ingest.run(target, pages, report=report, force=arguments.force)
    finally:
        await ingest.close()
    print(json.dumps(summary.as_dict()) if arguments.json else "\n".join(lines(summary)))
    return 1 if summary.unreadable else 0
