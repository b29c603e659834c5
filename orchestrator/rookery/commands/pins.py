"""`rookery pins`: the tools of foreign servers, as they were accepted."""

from __future__ import annotations

import argparse
import asyncio

from rookery.commands.options import Subparsers, add_agent_options, add_parser, agent_settings

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
    from rookery.agent.opening import prepared
    from rookery.agent.pins import digest
    from rookery.agent.recording import Recorder
    from rookery.mcp.fleet import Fleet
    from rookery.terminal.reports import console
    from rookery_core.errors import NotFound

    settings = agent_settings(arguments)
    servers = [server for server in prepared(settings).servers if not server.own]
    if arguments.accept and arguments.accept not in {server.name for server in servers}:
        raise NotFound(
            f"There is no foreign server {arguments.accept!r}.",
            candidates=[server.name for server in servers],
        )
    recorder, changed = Recorder(settings), 0
    try:
        store = await recorder.store(patience_s=60)
        async with Fleet(servers) as fleet:
            known = await store.pins()
            for offered in fleet.tools().values():
                key, now = (offered.server.name, offered.tool.name), digest(offered.tool)
                accept = arguments.accept == key[0]
                state = "new" if key not in known else "as pinned" if known[key] == now else "CHANGED"
                changed += state == "CHANGED" and not accept
                if accept or state == "new":
                    await store.pin(*key, now, replace=accept)
                console().print(
                    f"{key[0]:<16} {key[1]:<32} {'accepted' if accept else state}", highlight=False
                )
    finally:
        await recorder.close()
    return 1 if changed else 0
