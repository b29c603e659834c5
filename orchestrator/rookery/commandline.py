"""The command `rookery`: which subcommands there are. Only the one that runs is imported."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

_EPILOG = """\
examples:
  rookery demo                                  see it work on a sample workspace; needs no keys
  rookery ask "Who is on call this week?"       one question, one answer with its sources
  rookery chat                                  several, in one conversation
  rookery install --print claude-desktop        add the servers to a client you use already
  rookery doctor                                check database, servers, keys; says what to do
  rookery slack                                 answer in Slack

`rookery COMMAND --help` shows each command's options and examples.
"""


@dataclass(frozen=True, slots=True)
class _Command:
    """A subcommand: where its `add_commands(subparsers)` is, and its line in the list."""

    module: str
    help: str


COMMANDS = {
    "ask": _Command("rookery.commands.ask", "answer one question, with sources"),
    "chat": _Command("rookery.commands.chat", "a conversation in the terminal"),
    "demo": _Command("rookery.commands.demo", "a sample workspace, three questions, three cited answers"),
    "doctor": _Command("rookery.commands.doctor", "check everything; says what to do about what is wrong"),
    "init": _Command("rookery.commands.init", "set up: .env, mcp.json and the Slack manifest"),
    "install": _Command("rookery.commands.install", "print or write the configuration for an MCP client"),
    "trust": _Command(
        "rookery.commands.trust", "use the configuration of a folder: mcp.json, rookery.toml, .env"
    ),
    "slack": _Command("rookery.commands.slack", "answer in Slack"),
    "extract": _Command("rookery.commands.extract", "draw facts from stored conversations, with a model"),
    "trace": _Command("rookery.commands.trace", "the whole story of one answer"),
    "pins": _Command("rookery.commands.pins", "the tools of foreign servers, as they were accepted"),
    "eval": _Command("rookery.commands.evaluate", "ask questions whose answers are known; a report"),
    "queue": _Command("rookery_core.queue.commands", "look into the event queue and tend it"),
    "db": _Command("rookery_core.database.commands", "migrate, adapt or inspect the database"),
    "token": _Command("rookery_core.identity.commands", "make a token for a server over HTTP"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Returns its exit status: 0 done, 1 failed, 2 wrong use or settings, 69 not reachable."""
    words = list(sys.argv[1:] if argv is None else argv)
    parser = _parser(_chosen(words))
    if not words:
        parser.print_help()
        return 0
    if mistyped := _mistyped(words):
        parser.exit(2, f"rookery: there is no command {mistyped!r}.{_suggestion(mistyped)}\n")
    arguments = parser.parse_args(words)
    from rookery_core.console import exit_status
    from rookery_core.environment_file import load_environment_file

    def run() -> int:
        if arguments.command != "trust":
            load_environment_file(arguments.env)
        chosen: Callable[[argparse.Namespace], int] = arguments.run
        return chosen(arguments)

    return exit_status(f"rookery {arguments.command}", run)


def _chosen(words: Sequence[str]) -> str | None:
    skip = {index + 1 for index, word in enumerate(words) if word == "--env"}
    return next((word for index, word in enumerate(words) if word in COMMANDS and index not in skip), None)


def _mistyped(words: Sequence[str]) -> str | None:
    """The first word, when it is neither an option nor a command."""
    return words[0] if words[0] not in COMMANDS and not words[0].startswith("-") else None


def _suggestion(word: str) -> str:
    from rookery_core.suggestions import suggest

    close = suggest(word, COMMANDS, count=1)
    return f" Did you mean: {close[0]}?" if close else " `rookery --help` lists the commands."


def _parser(chosen: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="rookery",
        description="Answers from Slack, documentation, GitHub and memory, over MCP servers.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    parser.add_argument(
        "--env", metavar="FILE", help="read variables from FILE (default: ./.env where it is trusted)"
    )
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        if name == chosen:
            import_module(command.module).add_commands(subparsers)
        else:
            subparsers.add_parser(name, help=command.help)
    return parser


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from importlib.metadata import version

        print(f"rookery {version('rookery')}")
        parser.exit()
