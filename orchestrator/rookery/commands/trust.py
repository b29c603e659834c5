"""`rookery trust`: use the configuration of a folder."""

from __future__ import annotations

import argparse
from pathlib import Path

from rookery.commands.options import Subparsers, add_parser

_EPILOG = """\
A file of the working folder that nobody named can be somebody else's: mcp.json starts commands, .env and rookery.toml say where
keys and questions are sent. Each is used only after this command, or a yes in the terminal, and until it changes.

examples:
  rookery trust                      mcp.json, rookery.toml and .env of this folder
  rookery trust project/mcp.json     this file only

exit status: 0 done; 2 there is no such file.
"""


def add_commands(subparsers: Subparsers) -> None:
    """Add `trust` to a command line."""
    text = "use the configuration of a folder: mcp.json, rookery.toml, .env"
    parser = add_parser(subparsers, "trust", text, _EPILOG)
    parser.add_argument(
        "paths", metavar="PATH", nargs="*", type=Path, help="folders or files (default: here)"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Trust the files. Returns the exit status."""
    from rookery_core.trust import trust

    return trust(arguments.paths)
