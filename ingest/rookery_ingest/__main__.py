"""The command line `rookery-ingest`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import version

import rookery_ingest.docs.commands
import rookery_ingest.github.commands
import rookery_ingest.slack.commands

_EPILOG = """\
examples:
  rookery-ingest slack import export.zip
  rookery-ingest docs add handbook ./handbook
  rookery-ingest slack listen        in one process, and
  rookery-ingest worker              in another
"""


def parser() -> argparse.ArgumentParser:
    """Every command, its options and their help."""
    main_parser = argparse.ArgumentParser(
        prog="rookery-ingest",
        description="Fill Rookery's Slack and documentation stores.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    main_parser.add_argument("--version", action="version", version=f"%(prog)s {version('rookery-ingest')}")
    commands = main_parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    rookery_ingest.slack.commands.add_commands(commands)
    rookery_ingest.docs.commands.add_commands(commands)
    rookery_ingest.github.commands.add_commands(commands)
    rookery_ingest.slack.commands.add_worker_commands(commands)
    return main_parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Returns its exit status."""
    arguments = parser().parse_args(argv)
    return arguments.run(arguments)


if __name__ == "__main__":
    sys.exit(main())
