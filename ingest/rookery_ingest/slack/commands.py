"""`rookery-ingest slack …`: what fills the Slack store."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import date
from pathlib import Path

from rookery_ingest.slack.running import Command, runner

_Subparsers = argparse._SubParsersAction  # pyright: ignore[reportPrivateUsage] argparse has no public name for it
_EPILOG = """\
examples:
  rookery-ingest slack import export.zip --dry-run     what is in it, and what would be left out
  rookery-ingest slack import export.zip --channels general,random --since 2026-01-01
  rookery-ingest slack listen                          live events; run rookery-ingest worker beside it
"""


def add_commands(subparsers: _Subparsers[argparse.ArgumentParser]) -> None:
    """Add `slack` to a command line. The parsed arguments then have `run`: call it with them for the exit status."""
    parser = subparsers.add_parser(
        "slack",
        help="import exports of Slack, listen to it, read its history",
        description="Import exports of Slack, listen to it, read its history.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    _add_import(actions)


def add_worker_commands(subparsers: _Subparsers[argparse.ArgumentParser]) -> None:
    """Add `worker` and `status`, which look after what the other commands leave to be done."""


def _add_import(actions: _Subparsers[argparse.ArgumentParser]) -> None:
    action = actions.add_parser(
        "import",
        help="a native export of Slack",
        description="Import a native export of Slack, a zip or a folder. Importing the same again changes nothing; "
        "an import that was stopped goes on where it was.",
    )
    action.add_argument("path", metavar="PATH", type=Path, help="the zip that Slack delivered, or a folder")
    action.add_argument("--channels", type=_names, default=(), metavar="A,B", help="only these, by name or id")
    action.add_argument("--since", type=date.fromisoformat, metavar="YYYY-MM-DD", help="only days from this one on")
    action.add_argument("--workers", type=int, default=2, metavar="N", help="channels read at once (default: 2)")
    action.add_argument("--url", help="the workspace's address for permalinks, such as https://acme.slack.com")
    action.add_argument("--dry-run", action="store_true", help="read everything, write nothing")
    action.add_argument("--no-vectors", action="store_true", help="leave vectors to rookery-ingest worker")
    action.add_argument("--json", action="store_true", help="print the summary as JSON on standard output")
    action.set_defaults(run=_later("importing", "import_command"))


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _later(module: str, name: str) -> Callable[[argparse.Namespace], int]:
    """The command `name` of a module that is imported only when it is run: help should not wait for a driver."""

    def run(arguments: argparse.Namespace) -> int:
        from importlib import import_module

        command: Command = getattr(import_module(f"rookery_ingest.slack.{module}"), name)
        return runner(command)(arguments)

    return run
