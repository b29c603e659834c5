"""`rookery init`: set up: .env, mcp.json and the Slack manifest."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from rookery.commands.options import Subparsers, add_parser

_EPILOG = """\
Asks for a database, a model's key and tokens, checks each with the service it is for, and writes .env (readable by you
only), mcp.json and slack-manifest.yaml. Files that are there already are kept; variables of .env are replaced.

examples:
  rookery init
  rookery init --dir /srv/rookery
  rookery init --files-only          write mcp.json and slack-manifest.yaml, ask nothing

exit status: 0 done; 2 no answers on standard input.
"""


def add_commands(subparsers: Subparsers) -> None:
    """Add `init` to a command line."""
    parser = add_parser(subparsers, "init", "set up: .env, mcp.json and the Slack manifest", _EPILOG)
    parser.add_argument("--dir", type=Path, default=Path(), help="where to write (default: here)")
    parser.add_argument("--files-only", action="store_true", help="ask nothing, write no .env")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Ask, check, write. Returns the exit status."""
    from rookery.setup.files import names_in, write_env, write_manifest, write_mcp
    from rookery.setup.wizard import ask_everything

    folder: Path = arguments.dir
    folder.mkdir(parents=True, exist_ok=True)
    person = _AtTerminal()
    for name, write in (("slack-manifest.yaml", write_manifest), ("mcp.json", write_mcp)):
        person.tell(f"{folder / name}: {'written' if write(folder / name) else 'is there already, kept'}")
    if arguments.files_only:
        return 0
    values = asyncio.run(ask_everything(person, names_in(folder / ".env")))
    if values:
        person.tell(f"\n{folder / '.env'}: {', '.join(write_env(folder / '.env', values))}")
    person.tell('Next: `rookery doctor`, then `rookery ask "…"` or `rookery slack`.')
    return 0


class _AtTerminal:
    """Somebody at a terminal, or the lines of a pipe."""

    _answered = False

    def ask(self, text: str, *, secret: bool = False) -> str:
        import getpass
        import sys

        from rookery_core.errors import InvalidInput

        try:
            hidden = secret and sys.stdin.isatty()
            reply = (getpass.getpass if hidden else input)(f"{text}: ")
            self._answered = True
            return reply
        except EOFError:
            if not self._answered:
                raise InvalidInput(
                    "There are no answers on standard input.",
                    hint="Run it in a terminal, or with --files-only to be asked nothing.",
                ) from None
            return ""

    def tell(self, text: str) -> None:
        print(text)
