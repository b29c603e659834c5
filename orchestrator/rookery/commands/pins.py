"""`rookery pins`: the tools of foreign servers, as they were accepted."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from rookery.commands.options import Subparsers, add_agent_options, add_parser, agent_settings

if TYPE_CHECKING:
    from rookery.traces.store import TraceStore
    from rookery_core.mcp.server_group import OfferedTool

_EPILOG = """\
A server's tools are pinned when they are first seen. ROOKERY_TOOL_PINS=enforce keeps a tool from being used once its
description, schema or annotations are not what was pinned.

examples:
  rookery pins
  rookery pins --accept linear

exit status: 0 every tool is as it was pinned; 1 one is not.
"""


def add_commands(subparsers: Subparsers) -> None:
    """Add `pins` to a command line."""
    parser = add_parser(subparsers, "pins", "the tools of foreign servers, as they were accepted", _EPILOG)
    parser.add_argument("--accept", metavar="SERVER", help="pin this server's tools as they are now")
    add_agent_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Compare, or accept. Returns the exit status."""
    return asyncio.run(_pins(arguments))


async def _pins(arguments: argparse.Namespace) -> int:
    from rookery.agent.composition import prepared
    from rookery.agent.recorder import Recorder
    from rookery_core.errors import NotFound
    from rookery_core.mcp.server_group import ServerGroup

    settings = agent_settings(arguments)
    servers = [server for server in prepared(settings).servers if not server.own]
    if arguments.accept and arguments.accept not in {server.name for server in servers}:
        raise NotFound(
            f"There is no foreign server {arguments.accept!r}.",
            candidates=[server.name for server in servers],
        )
    if not servers:
        print("No foreign servers are configured: there is nothing to pin.")
        return 0
    recorder = Recorder(settings)
    try:
        store = await recorder.store(patience_s=60)
        async with ServerGroup(servers) as group:
            known = await store.pins()
            states = [await _pinned(store, known, each, arguments.accept) for each in group.tools().values()]
    finally:
        await recorder.close()
    return 1 if "CHANGED" in states else 0


async def _pinned(
    store: TraceStore, known: Mapping[tuple[str, str], str], offered: OfferedTool, accepted: str | None
) -> str:
    """Compare a tool with its pin and print what is the case; pin one that is new or of the server accepted."""
    from rookery.terminal.reports import console
    from rookery_core.mcp.pins import tool_digest

    server, name, now = offered.server.name, offered.tool.name, tool_digest(offered.tool)
    pin = known.get((server, name))
    state = "new" if pin is None else "as pinned" if pin == now else "CHANGED"
    accept = accepted == server
    if accept or state == "new":
        await store.pin(server, name, now, replace=accept)
    state = "accepted" if accept else state
    console().print(f"{server:<16} {name:<32} {state}", highlight=False)
    return state
