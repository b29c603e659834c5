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
    _add_live(actions)
    _add_operations(actions)


def add_worker_commands(subparsers: _Subparsers[argparse.ArgumentParser]) -> None:
    """Add `worker` and `status`, which look after what the other commands leave to be done."""
    worker = subparsers.add_parser(
        "worker",
        help="apply live events and make vectors, in the background",
        description="Apply live events of Slack, make vectors, keep statistics and retention up to date, until stopped. "
        "Any number of copies may run.",
    )
    worker.set_defaults(run=_later("working", "worker_command"))
    status = subparsers.add_parser("status", help="how complete and how fresh the Slack memory is")
    status.add_argument("--json", action="store_true", help="print it as JSON")
    status.set_defaults(run=_later("operating", "status_command"))


def _add_live(actions: _Subparsers[argparse.ArgumentParser]) -> None:
    listen = actions.add_parser(
        "listen",
        help="receive live events over Socket Mode",
        description="Receive live events over Socket Mode into the queue, read what was missed, synchronise nightly. "
        "Any number of copies may run, also beside the bot on the same app. rookery-ingest worker applies the events.",
    )
    listen.set_defaults(run=_later("live", "listen_command"))
    sync = actions.add_parser("sync", help="read people, channels, members and groups again")
    sync.set_defaults(run=_later("operating", "sync_command"))
    backfill = actions.add_parser("backfill", help="read from Slack's history what was missed")
    backfill.add_argument("--channels", type=_names, default=(), metavar="ID,ID", help="only these, by id")
    backfill.add_argument(
        "--days", type=_positive, default=30, help="how far back, where nothing is known (default: 30)"
    )
    backfill.set_defaults(run=_later("operating", "backfill_command"))


def _add_operations(actions: _Subparsers[argparse.ArgumentParser]) -> None:
    replay = actions.add_parser("replay", help="apply again the events that were not understood or failed")
    replay.set_defaults(run=_later("operating", "replay_command"))
    status = actions.add_parser("status", help="how complete and how fresh the memory is")
    status.add_argument("--json", action="store_true", help="print it as JSON")
    status.set_defaults(run=_later("operating", "status_command"))
    retention = actions.add_parser("retention", help="show or set how long messages are kept")
    retention.add_argument("--channel", help="name or id (default: every channel without a rule of its own)")
    retention.add_argument("--days", type=_positive, help="keep so many days; what is older is forgotten now")
    retention.add_argument("--forever", action="store_true", help="remove the limit")
    retention.set_defaults(run=_later("operating", "retention_command"))
    discard = actions.add_parser(
        "discard",
        help="show or change what is never stored",
        description="Show or change the rules of what is never stored, from now on: a jsonpath over the message as Slack "
        "writes it, with channel, user, subtype and text.",
    )
    discard.add_argument("--add", metavar="JSONPATH", help="""such as '$.text like_regex "secret"'""")
    discard.add_argument("--note", help="why, with --add")
    discard.add_argument("--remove", type=_positive, metavar="ID", help="a rule's number")
    discard.set_defaults(run=_later("operating", "discard_command"))
    erase = actions.add_parser("erase", help="forget a person or a channel for good")
    erase.add_argument("--user", metavar="ID", help="a person's id")
    erase.add_argument("--channel", help="a channel's name or id")
    erase.add_argument("--yes", action="store_true", help="yes, really")
    erase.set_defaults(run=_later("operating", "erase_command"))


def _add_import(actions: _Subparsers[argparse.ArgumentParser]) -> None:
    action = actions.add_parser(
        "import",
        help="a native export of Slack",
        description="Import a native export of Slack, a zip or a folder. Importing the same again changes nothing; "
        "an import that was stopped goes on where it was.",
    )
    action.add_argument("path", metavar="PATH", type=Path, help="the zip that Slack delivered, or a folder")
    action.add_argument(
        "--channels", type=_names, default=(), metavar="A,B", help="only these, by name or id"
    )
    action.add_argument("--since", type=_day, metavar="YYYY-MM-DD", help="only days from this one on")
    action.add_argument(
        "--workers", type=_positive, default=2, metavar="N", help="channels read at once (default: 2)"
    )
    action.add_argument(
        "--url", help="the workspace's address for permalinks, such as https://acme.slack.com"
    )
    action.add_argument("--dms", action="store_true", help="direct messages, too (default: left out)")
    action.add_argument("--dry-run", action="store_true", help="read everything, write nothing")
    action.add_argument("--no-vectors", action="store_true", help="leave vectors to rookery-ingest worker")
    action.add_argument("--json", action="store_true", help="print the summary as JSON on standard output")
    action.set_defaults(run=_later("importing", "import_command"))


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a day such as 2026-01-31") from None


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _later(module: str, name: str) -> Callable[[argparse.Namespace], int]:
    """The command `name` of a module that is imported only when it is run: help should not wait for a driver."""

    def run(arguments: argparse.Namespace) -> int:
        from importlib import import_module

        command: Command = getattr(import_module(f"rookery_ingest.slack.{module}"), name)
        return runner(command)(arguments)

    return run
