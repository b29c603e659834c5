"""Header values without the white space around them, as RFC 9110 wants them read.

httptools hands over trailing white space; MCP's header checks compare bytes and would refuse `Mcp-Name: x `.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

_OPTIONAL_WHITESPACE = b" \t"


class TrimmedHeaders:
    """ASGI middleware that trims the values of request headers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope["headers"] = [(name, value.strip(_OPTIONAL_WHITESPACE)) for name, value in scope["headers"]]
        await self._app(scope, receive, send)
