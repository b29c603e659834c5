"""Who may reach a hosted server: by the name it is called by, by the browser's origin, by token.

Refusals are JSON objects with code, message and hint, as those of tools.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import translate

from fastmcp.server.http import HostOriginGuardMiddleware
from starlette.authentication import UnauthenticatedUser
from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rookery_core.errors import NotAllowed, RookeryError
from rookery_core.telemetry import get_logger

logger = get_logger(__name__)
OPEN_PATHS = frozenset(("/health", "/ready"))
MAX_LOGGED_HOSTS = 20
_REQUEST_HEADERS = (
    "authorization", "content-type", "last-event-id", "mcp-method", "mcp-name", "mcp-protocol-version",
    "mcp-session-id", "rookery-asker", "rookery-trace", "traceparent",
)  # fmt: skip
_RESPONSE_HEADERS = (
    "mcp-session-id", "mcp-protocol-version", "retry-after", "rookery-trace", "www-authenticate",
)  # fmt: skip


class Unauthorized(RookeryError):
    """No valid token came with the request."""

    code = "unauthorized"
    http_status = 401


class Misdirected(RookeryError):
    """The server does not answer to the name in the Host header."""

    code = "misdirected"
    http_status = 421


def unauthorized(headers: Headers) -> JSONResponse:
    """The refusal of a request without a valid token."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        error = Unauthorized(
            "The token is not valid.",
            hint="Check the token, or make another with `rookery token new` and add its entry to ROOKERY_HTTP_TOKENS.",
        )
        challenge = 'Bearer error="invalid_token"'
    else:
        error = Unauthorized(hint="Send it as: Authorization: Bearer TOKEN (made with `rookery token new`).")
        challenge = "Bearer"
    answer = {"WWW-Authenticate": challenge, "Cache-Control": "no-store"}
    return JSONResponse(error.as_answer(), error.http_status, headers=answer)


class RequireToken:
    """ASGI middleware behind authentication: `/mcp` and `/api` need a valid token."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        guarded = scope["type"] == "http" and scope["path"].startswith(("/mcp", "/api"))
        if guarded and isinstance(scope.get("user", UnauthenticatedUser()), UnauthenticatedUser):
            await unauthorized(Headers(scope=scope))(scope, receive, send)
            return
        await self._app(scope, receive, send)


class HostCheck:
    """ASGI middleware that refuses requests for other hosts and from other origins, against DNS rebinding.

    The paths of OPEN_PATHS are exempt: probes call them by address.
    """

    def __init__(self, app: ASGIApp, allowed_hosts: Sequence[str], allowed_origins: Sequence[str]) -> None:
        self._app = app
        self._guard = HostOriginGuardMiddleware(_admit, allowed_hosts, allowed_origins, mode="strict")
        self._logged: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in OPEN_PATHS:
            await self._app(scope, receive, send)
            return
        status = 0

        async def note(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)

        await self._guard(scope, receive, note)
        if status == 0:
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(status, Headers(scope=scope))
        await JSONResponse(refusal.as_answer(), status)(scope, receive, send)

    def _refusal(self, status: int, headers: Headers) -> RookeryError:
        if status != Misdirected.http_status:
            return NotAllowed(
                "Browsers on this origin may not call the server.",
                hint="The operator adds the origin to ROOKERY_ALLOWED_ORIGINS.",
            )
        host = headers.get("host", "")[:200]
        if host not in self._logged and len(self._logged) < MAX_LOGGED_HOSTS:
            self._logged.add(host)
            logger.warning("refused the Host %r: add its name to ROOKERY_ALLOWED_HOSTS to allow it", host)
        return Misdirected(hint="The operator adds the name to ROOKERY_ALLOWED_HOSTS.")


async def _admit(_scope: Scope, _receive: Receive, _send: Send) -> None:
    """Takes the place of the application behind FastMCP's guard, whose decision alone is wanted."""


def allow_browsers(app: ASGIApp, origins: Sequence[str]) -> ASGIApp:
    """`app` with the CORS headers that browsers on these origins need; without origins `app` as it is."""
    if not origins:
        return app
    return CORSMiddleware(
        app,
        allow_origin_regex="|".join(translate(_as_browsers_send(origin)) for origin in origins),
        allow_methods=["GET", "POST", "DELETE"],
        allow_headers=_REQUEST_HEADERS,
        expose_headers=_RESPONSE_HEADERS,
        max_age=600,
    )


def _as_browsers_send(origin: str) -> str:
    """In lower case, without a default port or a final slash."""
    origin = origin.strip().rstrip("/").lower()
    return re.sub(r"^(https://[^/]+):443$|^(http://[^/]+):80$", r"\1\2", origin)
