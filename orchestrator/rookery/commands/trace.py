"""`rookery trace ID`: the whole story of one answer."""

from __future__ import annotations

import argparse
import asyncio
import json
from typing import TYPE_CHECKING, Any

from rookery.commands.options import Subparsers, add_parser, agent_settings, at_least_one

if TYPE_CHECKING:
    from rookery.traces.store import TraceStore

_EPILOG = """\
Every answer ends with its trace id; the first characters are enough. Without an id the latest runs are listed.

examples:
  rookery trace
  rookery trace 6893142839a6
  rookery trace 6893142839a6 --json | jq '.tool_calls[] | {tool, duration_ms}'

exit status: 0 found; 1 there is no such run; 69 the database is not reachable.
"""


def add_commands(subparsers: Subparsers) -> None:
    """Add `trace` to a command line."""
    parser = add_parser(subparsers, "trace", "the whole story of one answer", _EPILOG)
    parser.add_argument("id", nargs="?", help="a trace id, or its first characters")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.add_argument("--limit", type=at_least_one, default=20, help="how many runs to list (default 20)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Find and print. Returns the exit status."""
    return asyncio.run(_trace(arguments))


async def _trace(arguments: argparse.Namespace) -> int:
    from rookery.terminal import traces
    from rookery.traces.report import story
    from rookery.traces.store import ROLE, TraceStore
    from rookery_core.database import Database

    settings = agent_settings(arguments)
    async with await Database.open(
        settings, role=ROLE, application_name="rookery trace", max_connections=2
    ) as database:
        store = TraceStore(database, settings.team)
        if arguments.id is None:
            runs = [dict(row) for row in await store.latest(arguments.limit)]
            _print_json(runs) if arguments.json else traces.print_runs(runs)
            return 0
        found = await story(database, store, settings.team, await _whole_id(store, arguments.id))
        _print_json(found) if arguments.json else traces.print_story(found)
        return 0


async def _whole_id(store: TraceStore, given: str) -> str:
    from rookery_core.errors import InvalidInput, NotFound

    ids = await store.by_prefix(given)
    if not ids:
        raise NotFound(
            f"There is no run with a trace id that begins with {given!r}.", hint="`rookery trace` lists them."
        )
    if len(ids) > 1 and given not in ids:
        raise InvalidInput(f"Several trace ids begin with {given!r}.", candidates=ids)
    return given if given in ids else ids[0]


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=1, ensure_ascii=False, default=str))
