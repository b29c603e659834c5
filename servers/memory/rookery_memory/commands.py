"""The commands of rookery-memory besides serving, for its operator."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import IO, TYPE_CHECKING
from uuid import UUID

from rookery_core.console import run_configured
from rookery_core.errors import InvalidInput
from rookery_memory.scopes import caller_of
from rookery_memory.settings import MemorySettings

if TYPE_CHECKING:
    from rookery_memory.store.context import StoreContext

PROG = "rookery-memory"
EXAMPLES = f"""\
examples:
  {PROG} export --scope team team.jsonl     one JSON object a line; without a file to standard output
  {PROG} import --scope team team.jsonl     what is known already is left alone
  {PROG} import graph.jsonl                 of the reference memory server
  {PROG} merge --scope user:U012AB3CD       what would go into what
  {PROG} merge --scope user:U012AB3CD --apply
  {PROG} erase --scope user:U012AB3CD --reason "left the team" --yes
  {PROG} subscribe jobs worker              so that enqueue_event can publish to the topic jobs
"""


def run_command(argv: Sequence[str]) -> int:
    """Run one of export, import, merge, erase and subscribe. Returns the exit status."""
    arguments = _parser().parse_args(argv)
    command = _COMMANDS[arguments.command]
    return run_configured(
        PROG, MemorySettings.from_environment, lambda settings: command(settings, arguments)
    )


def _parser() -> argparse.ArgumentParser:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog=PROG,
        description="Operate the memory of a scope, or subscribe to a topic of the event queue.",
        epilog=EXAMPLES,
        formatter_class=raw,
    )
    commands = parser.add_subparsers(dest="command", required=True)

    def add(name: str, text: str) -> argparse.ArgumentParser:
        own_examples = "".join(
            line for line in EXAMPLES.splitlines(keepends=True) if f"{PROG} {name}" in line
        )
        command = commands.add_parser(
            name, help=text, description=text, epilog=f"examples:\n{own_examples}", formatter_class=raw
        )
        command.add_argument(
            "--scope", default="local", help="local, team, agent, user:ID or channel:ID (default: local)"
        )
        return command

    add("export", "Write a scope as JSON lines.").add_argument(
        "file", nargs="?", help="default: standard output"
    )
    importing = add("import", "Read an export, or the JSON lines of a knowledge graph, into a scope.")
    importing.add_argument("file", help="a path, or - for standard input")
    merging = add("merge", "Show near duplicates of a scope; with --apply merge them.")
    merging.add_argument("--apply", action="store_true", help="merge what is shown")
    erasing = add("erase", "Delete for real, and print a receipt. Cannot be undone.")
    erasing.add_argument(
        "--id", action="append", type=UUID, metavar="ID", help="only this memory (repeatable)"
    )
    erasing.add_argument("--conversation", help="only this conversation and what was drawn from it")
    erasing.add_argument("--reason", help="kept with the receipt")
    erasing.add_argument("--yes", action="store_true", help="erase; without it nothing is done")
    subscribing = commands.add_parser(
        "subscribe", help="Create a subscription of a topic of the event queue."
    )
    subscribing.add_argument("topic")
    subscribing.add_argument("name", help="of the subscription, which receives what is published from now on")
    return parser


@asynccontextmanager
async def _opened(settings: MemorySettings) -> AsyncGenerator[StoreContext]:
    from rookery_core.database import Database
    from rookery_core.embedders import create_embedder
    from rookery_memory.store.context import StoreContext

    async with await Database.open(settings, role="rookery_memory", application_name=PROG) as database:
        yield StoreContext(database, create_embedder(settings))


async def _export(settings: MemorySettings, arguments: argparse.Namespace) -> None:
    from rookery_memory.store.portability import export_scope

    caller = caller_of(arguments.scope, settings.team)
    async with _opened(settings) as context:
        with await asyncio.to_thread(_writable, arguments.file) as out:
            async for line in export_scope(context, caller, arguments.scope):
                out.write(line + "\n")


async def _import(settings: MemorySettings, arguments: argparse.Namespace) -> None:
    from rookery_memory.store.graph_import import GRAPH_TYPES, import_graph, read_graph
    from rookery_memory.store.portability import import_lines, object_of
    from rookery_memory.store.upkeep import embed_pending

    caller = caller_of(arguments.scope, settings.team)
    lines = await asyncio.to_thread(_read_lines, arguments.file)
    async with _opened(settings) as context:
        if lines and object_of(1, lines[0]).get("type") in GRAPH_TYPES:
            graph = read_graph([object_of(number, line) for number, line in enumerate(lines, start=1)])
            report = await import_graph(context, caller, arguments.scope, graph)
        else:
            report = await import_lines(context, caller, arguments.scope, lines)
        await embed_pending(context, caller)
    print(json.dumps(asdict(report)))


async def _merge(settings: MemorySettings, arguments: argparse.Namespace) -> None:
    from rookery_memory.store.duplicates import find_duplicates, merge

    caller = caller_of(arguments.scope, settings.team)
    async with _opened(settings) as context:
        groups = await find_duplicates(context, caller, arguments.scope)
        for group in groups:
            print(f"{group.kept.id}  {group.kept.content}")
            for memory in group.merged:
                print(f"  <- {memory.id}  {memory.content}")
        done = await merge(context, caller, groups) if arguments.apply else 0
    if not groups:
        print("No near duplicates.")
    elif arguments.apply:
        print(f"Merged {done} into {len(groups)}.")
    else:
        print(
            f"{sum(len(group.merged) for group in groups)} would go into {len(groups)}: merge them with --apply."
        )


async def _erase(settings: MemorySettings, arguments: argparse.Namespace) -> None:
    from rookery_memory.store.erasure import erase

    if not arguments.yes:
        raise InvalidInput(
            "erase must be confirmed; nothing was done.", hint="Add --yes to erase; it cannot be undone."
        )
    caller = caller_of(arguments.scope, settings.team)
    async with _opened(settings) as context:
        receipt = await erase(
            context,
            caller,
            arguments.scope,
            ids=arguments.id,
            conversation=arguments.conversation,
            reason=arguments.reason,
        )
    print(json.dumps(asdict(receipt), default=str))


async def _subscribe(settings: MemorySettings, arguments: argparse.Namespace) -> None:
    from rookery_core.database import Database
    from rookery_core.queue import Queue
    from rookery_memory.tools.queue import subscribe

    async with await Database.open(settings, role="rookery_memory", application_name=PROG) as database:
        created = await subscribe(Queue(database, team=settings.team), arguments.topic, arguments.name)
    print(f"{arguments.name} receives {arguments.topic}{'' if created else ' already'}.")


def _writable(file: str | None) -> AbstractContextManager[IO[str]]:
    return Path(file).open("w", encoding="utf-8") if file else nullcontext(sys.stdout)


def _read_lines(file: str) -> list[str]:
    text = sys.stdin.read() if file == "-" else Path(file).read_text("utf-8")
    return [line for line in text.split("\n") if line.strip()]  # splitlines would cut inside of JSON strings


_COMMANDS = {"export": _export, "import": _import, "merge": _merge, "erase": _erase, "subscribe": _subscribe}
