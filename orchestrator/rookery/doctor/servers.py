"""The servers: each starts, lists its tools, and answers with something."""

from __future__ import annotations

import asyncio
import socket

from rookery.doctor.findings import Examined, Finding, failed
from rookery_core.errors import RookeryError

HTTP_PORTS = {"rookery-slack": 8101, "rookery-docs": 8102, "rookery-github": 8103, "rookery-memory": 8104}


async def check_servers(examined: Examined) -> list[Finding]:
    """Start (or reach) each server of mcp.json and have it list its tools."""
    from rookery.agent.composition import prepared
    from rookery_core.mcp.server_group import ServerGroup

    try:
        servers = prepared(examined.settings).servers
    except RookeryError as error:
        return [failed("mcp.json", error)]
    async with ServerGroup(servers) as group:
        return [
            Finding(f"server {each.name}", "ok", f"lists {len(each.tools)} tools, {each.connected_ms:.0f} ms")
            if each.up
            else Finding(
                f"server {each.name}",
                "fail",
                f"does not answer: {each.problem}",
                _remedy(each.server.entry.url),
            )
            for each in group.connections
        ]


def _remedy(url: str | None) -> str:
    if url:
        return f"Is it running at {url}, and is its token right? A server over HTTP tells under /health."
    return 'Start its command by itself with --help; set "disabled": true in mcp.json to do without it.'


async def check_ports(_: Examined) -> list[Finding]:
    """The ports that the servers take over HTTP by default."""
    return list(await asyncio.gather(*(_port(name, port) for name, port in HTTP_PORTS.items())))


async def _port(name: str, port: int) -> Finding:
    taken = await asyncio.to_thread(_is_taken, port)
    if not taken:
        return Finding("ports", "ok", f"{port} is free for {name} --transport http")
    if await _is_ours(port):
        return Finding("ports", "ok", f"{port} is served by {name}")
    return Finding("ports", "warn", f"{port} is taken by something else", f"Start {name} with --port.")


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def _is_ours(port: int) -> bool:
    """Whether a server of ours answers there."""
    try:
        async with asyncio.timeout(1):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            head = await reader.readline()
            writer.close()
    except (OSError, TimeoutError):
        return False
    return b" 200 " in head
