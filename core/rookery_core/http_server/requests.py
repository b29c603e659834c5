"""ASGI middleware for requests as they come in: ambiguous headers are refused, bodies arrive whole or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response

from rookery_core.errors import InvalidInput
from rookery_core.telemetry import get_logger

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

logger = get_logger(__name__)
_SINGLE_HEADERS = frozenset(
    (b"host", b"authorization", b"content-length", b"content-type", b"origin", b"mcp-session-id",
     b"mcp-protocol-version", b"rookery-asker", b"rookery-trace", b"x-hub-signature-256", b"x-slack-signature",
     b"x-slack-request-timestamp")
)  # fmt: skip


class CheckedHeaders:
    """ASGI middleware that refuses ambiguous headers with 400 and trims the values of the others.

    httptools keeps trailing white space; MCP's header checks compare bytes and would refuse `Mcp-Name: x `.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope["headers"] = headers = [(name, value.strip(b" \t")) for name, value in scope["headers"]]
            if (problem := header_problem(headers)) is not None:
                error = InvalidInput(problem, hint="Send each header once, in ASCII.")
                await JSONResponse(error.as_answer(), 400)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def header_problem(headers: Sequence[tuple[bytes, bytes]]) -> str | None:
    """Why these headers must be refused; None where they are acceptable."""
    names: set[bytes] = set()
    for name, value in headers:
        shown = name.decode("ascii", "replace")
        if name in names and name in _SINGLE_HEADERS:
            return f"The header {shown} is there more than once."
        if not value.isascii():
            return f"The header {shown} is not ASCII."
        names.add(name)
    return None


class BufferedBody:
    """ASGI middleware that reads the body before the application runs.

    A client that leaves meanwhile is a line in the log; the application never sees half a body.
    """

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = bytearray()
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                logger.info("the body of a request to %s is incomplete: its client left", scope["path"])
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > self._max_bytes:
                await self._too_large()(scope, receive, send)
                return
        await self._app(scope, _replay(bytes(body), receive), send)

    def _too_large(self) -> Response:
        return JSONResponse(
            InvalidInput(f"The body is larger than {self._max_bytes} bytes.").as_answer(), 413
        )


def _replay(body: bytes, receive: Receive) -> Receive:
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return messages.pop() if messages else await receive()

    return receive_again
