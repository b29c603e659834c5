"""From an entry of mcp.json to a client that can be entered."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rookery.mcp.environment import for_foreign, for_own

if TYPE_CHECKING:
    from fastmcp import Client
    from fastmcp.client.transports import ClientTransport

    from rookery.mcp.config import NamedServer

CONNECT_TIMEOUT_S = 30.0
DEFAULT_CALL_TIMEOUT_S = 60.0


def connect_timeout_s(server: NamedServer) -> float:
    """How long a server may take to start and to list its tools."""
    return max(CONNECT_TIMEOUT_S, server.entry.timeout_s or 0)


def open_client(server: NamedServer) -> Client[Any]:
    """A client of the server, not entered yet. Each connection needs a new one."""
    from fastmcp import Client

    return Client(
        _transport(server),
        name="rookery",
        timeout=server.entry.timeout_s or DEFAULT_CALL_TIMEOUT_S,
        init_timeout=connect_timeout_s(server),
    )


def _transport(server: NamedServer) -> ClientTransport:
    from fastmcp.client.transports import SSETransport, StdioTransport, StreamableHttpTransport

    entry = server.entry
    if entry.url is not None:
        kind = SSETransport if entry.type == "sse" else StreamableHttpTransport
        return kind(entry.url, headers=dict(entry.headers))
    assert entry.command is not None
    return StdioTransport(
        command=entry.command,
        args=list(entry.args),
        env=for_own(server.name, entry.env) if server.own else for_foreign(entry.env),
        cwd=entry.cwd,
        keep_alive=False,
        log_file=_log_of(server),
    )


def _log_of(server: NamedServer) -> Path | Any:
    """Where the server's stderr goes: our own stderr for our servers, whose lines are few and have one format;
    nowhere for others, unless ROOKERY_LOG_LEVEL is debug."""
    if server.own or os.environ.get("ROOKERY_LOG_LEVEL", "").lower() == "debug":
        return sys.stderr
    return Path(os.devnull)
