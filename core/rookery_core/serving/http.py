"""A server over streamable HTTP: stateless, on loopback unless another host is given, with tokens where it must."""

from __future__ import annotations

import asyncio
import ipaddress
import signal
import socket
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from fastmcp import FastMCP
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from rookery_core import garbage_collection
from rookery_core.errors import ConfigurationError, RookeryError
from rookery_core.http_server import BufferedBody, ConnectionLimits, HttpServer
from rookery_core.serving.access import HostCheck, RequireToken, allow_browsers
from rookery_core.serving.tokens import verifier

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.types import ASGIApp

    from rookery_core.settings import CoreSettings

READY_TIMEOUT_S = 2.0
Readiness = Callable[[], Awaitable[None]]
"""Returns when the server can do its work, raises a RookeryError that says why not."""


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches the host; a name other than localhost counts as reachable."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def guard(server: FastMCP, settings: CoreSettings, host: str) -> None:
    """Require tokens. Raises ConfigurationError when other machines reach `host` and there are none."""
    server.auth = verifier(settings)
    if server.auth is None and not is_loopback(host):
        raise ConfigurationError(
            f"--host {host} is reachable from other machines, and no token guards this server.",
            hint="Set ROOKERY_HTTP_TOKENS (make one with `rookery token new`), or use --host 127.0.0.1.",
        )


def add_health(server: FastMCP, ready: Readiness | None) -> None:
    """Add `/health` (the process responds) and `/ready` (it can do its work). Neither needs a token."""

    async def health(_request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readiness(_request: Request) -> Response:
        try:
            if ready is not None:
                await asyncio.wait_for(ready(), READY_TIMEOUT_S)
        except TimeoutError:
            return JSONResponse({"status": "starting"}, status_code=503)
        except RookeryError as error:
            return JSONResponse({"status": "unavailable", "code": error.code}, status_code=503)
        return JSONResponse({"status": "ready"})

    server.custom_route("/health", methods=["GET"])(health)
    server.custom_route("/ready", methods=["GET"])(readiness)


def start_message(name: str, settings: CoreSettings, host: str, port: int) -> str:
    """What a server prints once it listens: its address, and the setting that clients elsewhere need."""
    lines = [f"{name}: http://{host}:{port}/mcp"]
    if not is_loopback(host) and not settings.allowed_hosts:
        lines.append(
            f"{name}: set ROOKERY_ALLOWED_HOSTS to the names in the URLs of clients (docs.example.com); "
            "requests to another name are answered with 421"
        )
    return "\n".join(lines)


def applications(
    server: FastMCP, settings: CoreSettings, host: str, limits: ConnectionLimits
) -> tuple[Starlette, ASGIApp]:
    """FastMCP's application, whose lifespan must run, and the one to serve: the same behind our checks."""
    middleware = [Middleware(RequireToken)] if server.auth is not None else []
    inner = server.http_app(
        middleware=[*middleware, Middleware(BufferedBody, max_bytes=limits.max_body_bytes)],
        stateless_http=True,
        json_response=True,
        host_origin_protection=False,  # HostCheck does it
    )
    allowed_hosts = [*settings.allowed_hosts, *([host] if is_loopback(host) else [])]
    return inner, HostCheck(
        allow_browsers(inner, settings.allowed_origins), allowed_hosts, list(settings.allowed_origins)
    )


async def serve_http(
    server: FastMCP,
    settings: CoreSettings,
    host: str,
    listening: socket.socket,
    limits: ConnectionLimits | None = None,
) -> None:
    """Serve on a listening socket until SIGTERM or SIGINT. The MCP endpoint is `/mcp`."""
    limits = limits or ConnectionLimits()
    inner, outer = applications(server, settings, host, limits)
    garbage_collection.freeze()
    web_server = HttpServer(outer, limits)
    async with inner.router.lifespan_context(inner):
        await web_server.serve([listening])
    for number in web_server.signals:
        signal.raise_signal(number)
