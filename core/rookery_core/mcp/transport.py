"""Builds a client from an entry of mcp.json."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

from rookery_core.mcp.environment import foreign_environment, own_environment

if TYPE_CHECKING:
    from fastmcp import Client
    from fastmcp.client.messages import MessageHandlerT
    from fastmcp.client.transports import ClientTransport

    from rookery_core.mcp.configuration import NamedServer

CONNECT_TIMEOUT_S = 30.0
DEFAULT_CALL_TIMEOUT_S = 60.0


def connect_timeout_s(server: NamedServer) -> float:
    """How long a server may take to start and to list its tools."""
    return max(CONNECT_TIMEOUT_S, server.entry.timeout_s or 0)


def open_client(server: NamedServer, log: TextIO, on_message: MessageHandlerT) -> Client[Any]:
    """A client of the server, not yet entered. Each connection needs a new one.

    log: where a child's stderr goes. on_message: receives the server's notifications.
    """
    from fastmcp import Client

    return Client(
        _transport(server, log),
        name="rookery",
        message_handler=on_message,
        timeout=server.entry.timeout_s or DEFAULT_CALL_TIMEOUT_S,
        init_timeout=connect_timeout_s(server),
    )


@contextmanager
def server_log() -> Generator[TextIO]:
    """Where the stderr of servers goes: to ours for a service, to a temporary file for a person at a terminal.

    The file is read when a server fails, for the reason.
    """
    verbose = os.environ.get("ROOKERY_LOG_LEVEL", "warning").lower() in ("debug", "info")
    if _is_a_file(sys.stderr) and (verbose or not sys.stderr.isatty()):
        yield sys.stderr
        return
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as file:
        yield file


def _is_a_file(stream: TextIO) -> bool:
    """Whether a child process can write to it; not so for what a notebook or a test puts in place of stderr."""
    try:
        return stream.fileno() >= 0
    except (OSError, AttributeError, ValueError):
        return False


def last_log_line(log: TextIO) -> str:
    """The last line that a server wrote to its temporary log file; empty otherwise."""
    if log is sys.stderr:
        return ""
    log.seek(0)
    lines = [line.strip() for line in log.read()[-4000:].splitlines() if line.strip()]
    return lines[-1] if lines else ""


def _transport(server: NamedServer, log: TextIO) -> ClientTransport:
    from fastmcp.client.transports import SSETransport, StreamableHttpTransport

    from rookery_core.mcp.stdio import TolerantStdio

    entry = server.entry
    if entry.url is not None:
        kind = SSETransport if entry.type == "sse" else StreamableHttpTransport
        return kind(entry.url, headers=dict(entry.headers))
    assert entry.command is not None
    return TolerantStdio(
        command=entry.command,
        args=entry.args,
        env=own_environment(server.name, entry.env) if server.own else foreign_environment(entry.env),
        cwd=entry.cwd,
        log=log,
    )
