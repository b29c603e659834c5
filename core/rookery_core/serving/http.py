"""A server over streamable HTTP: stateless, on uvicorn, loopback unless told otherwise, guarded by tokens."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from fastmcp import FastMCP
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from rookery_core import garbage_collection
from rookery_core.errors import ConfigurationError, RookeryError
from rookery_core.serving.headers import TrimmedHeaders
from rookery_core.serving.tokens import verifier
from rookery_core.telemetry import get_logger

if TYPE_CHECKING:
    from rookery_core.settings import CoreSettings

logger = get_logger(__name__)
READY_PATIENCE_S = 2.0
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
    """Put tokens at the door. Raises ConfigurationError when `host` is reachable by others and there are none."""
    server.auth = verifier(settings)
    if server.auth is None and not is_loopback(host):
        raise ConfigurationError(
            f"--host {host} is reachable from other machines, and no token guards this server.",
            hint="Set ROOKERY_HTTP_TOKENS (make one with `rookery token new`), or use --host 127.0.0.1.",
        )


def add_health(server: FastMCP, ready: Readiness | None) -> None:
    """`/health`: the process answers. `/ready`: it can do its work. Neither needs a token nor tells a secret."""

    async def health(_request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readiness(_request: Request) -> Response:
        try:
            if ready is not None:
                await asyncio.wait_for(ready(), READY_PATIENCE_S)
        except TimeoutError:
            return JSONResponse({"status": "starting"}, status_code=503)
        except RookeryError as error:
            return JSONResponse({"status": "unavailable", "code": error.code}, status_code=503)
        return JSONResponse({"status": "ready"})

    server.custom_route("/health", methods=["GET"])(health)
    server.custom_route("/ready", methods=["GET"])(readiness)


async def serve_http(
    server: FastMCP, settings: CoreSettings, host: str, port: int, listening: socket.socket | None = None
) -> None:
    """Serve until SIGTERM or SIGINT. The MCP endpoint is `/mcp`. listening: a socket of that host and port, if there is one."""
    allowed_hosts = [*settings.allowed_hosts, *([host] if is_loopback(host) else [])]
    garbage_collection.freeze()
    await server.run_http_async(
        show_banner=False,
        host=host,
        port=port,
        middleware=[Middleware(TrimmedHeaders)],
        stateless_http=True,
        json_response=True,
        host_origin_protection=True,
        allowed_hosts=allowed_hosts,
        allowed_origins=list(settings.allowed_origins),
        uvicorn_config=_uvicorn_options(),
        sockets=None if listening is None else [listening],
    )


def _uvicorn_options() -> dict[str, Any]:
    return {
        "timeout_graceful_shutdown": 5,
        "log_level": "warning",
        "access_log": False,
        "server_header": False,
    }
