"""The tools of a server as plain JSON over HTTP, for programs that speak no MCP.

`GET /api` lists them, `GET /api/openapi.json` describes them, `POST /api/TOOL` calls one with a JSON object as its
arguments; a tool that only reads can be called with `GET /api/TOOL?name=value` too. Tokens, identity, trace ids,
limits and visibility are those of `/mcp`: a call goes through the same middleware.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from fastmcp import FastMCP
from mcp.shared.exceptions import MCPError
from starlette.authentication import UnauthenticatedUser
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from rookery_core.errors import InvalidInput, NotFound, RookeryError
from rookery_core.serving import openapi
from rookery_core.serving.access import unauthorized
from rookery_core.serving.failures import AnsweredError
from rookery_core.serving.request_origin import TRACE_HEADER, meta_of_headers, rest_call
from rookery_core.suggestions import suggest
from rookery_core.telemetry import TRACE_META_KEY, new_trace_id, trace_id_of

if TYPE_CHECKING:
    from fastmcp.tools import Tool

PREFIX = "/api"
MAX_BODY_BYTES = 4 * 1024 * 1024
"""What `/mcp` accepts, too."""
Handler = Callable[[Request], Awaitable[Response]]


class _Refused(Exception):
    """A request that is answered with this status before any tool is called."""

    def __init__(self, status: int, error: RookeryError, **headers: str) -> None:
        super().__init__(str(error))
        self.response = JSONResponse(error.as_answer(), status, headers=headers)


def add_rest(server: FastMCP) -> None:
    """Add `/api` to the server."""

    async def index(_request: Request) -> Response:
        listed = [openapi.listed(each) for each in await server.list_tools()]
        return JSONResponse({"name": server.name, "version": server.version, "tools": listed})

    async def described(_request: Request) -> Response:
        tools = await server.list_tools()
        about = {
            "title": server.name,
            "version": str(server.version),
            "description": server.instructions or "",
        }
        return JSONResponse(openapi.document(about, tools, guarded=bool(server.auth)))

    async def call(request: Request) -> Response:
        return await _call(server, request)

    for path, methods, handler in (
        (PREFIX, ["GET"], index),
        (f"{PREFIX}/openapi.json", ["GET"], described),
        (f"{PREFIX}/{{tool}}", ["GET", "POST"], call),
    ):
        server.custom_route(path, methods=methods)(_guarded(server, handler))


def _guarded(server: FastMCP, handler: Handler) -> Handler:
    """`handler`, for those only that `/mcp` would let in; its refusals as JSON, nothing kept by caches."""

    async def guarded(request: Request) -> Response:
        try:
            if server.auth is not None and isinstance(request.user, UnauthenticatedUser):
                response = unauthorized(request.headers)
            else:
                response = await handler(request)
        except _Refused as refused:
            response = refused.response
        except MCPError as error:  # the address chooses a tool that there is not
            response = JSONResponse(InvalidInput(error.error.message).as_answer(), InvalidInput.http_status)
        response.headers["Cache-Control"] = "no-store"
        return response

    return guarded


async def _call(server: FastMCP, request: Request) -> Response:
    meta = meta_of_headers(request.headers)
    meta[TRACE_META_KEY] = trace = trace_id_of(meta) or new_trace_id()
    try:
        with rest_call(meta):
            response = await _answer(server, request)
    except AnsweredError as error:
        response = JSONResponse(error.answer, error.status, headers=_retry_after(error.answer))
    response.headers[TRACE_HEADER] = trace
    return response


async def _answer(server: FastMCP, request: Request) -> Response:
    tool = await _tool(server, request.path_params["tool"])
    result = await server.call_tool(tool.name, await _arguments(request, tool))
    if result.structured_content is not None:
        return JSONResponse(result.structured_content)
    return JSONResponse({"text": "".join(getattr(part, "text", "") for part in result.content)})


async def _tool(server: FastMCP, name: str) -> Tool:
    shown = {each.name: each for each in await server.list_tools()}
    if name not in shown:
        error = NotFound(
            f"No tool is called {name!r}.",
            hint=f"GET {PREFIX} lists them.",
            candidates=suggest(name, shown),
        )
        raise _Refused(404, error)
    return shown[name]


async def _arguments(request: Request, tool: Tool) -> dict[str, Any]:
    if request.method == "POST":
        return _object(await _body(request))
    if not openapi.only_reads(tool):
        error = InvalidInput(f"{tool.name} changes something.", hint="Call it with POST.")
        raise _Refused(405, error, Allow="POST")
    return openapi.arguments_of_query(tool, request.query_params.multi_items())


async def _body(request: Request) -> bytes:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise _Refused(415, InvalidInput("The body is not application/json.", hint="Say so in Content-Type."))
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > MAX_BODY_BYTES:  # not waited for
        raise _too_large()
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise _too_large()
    return bytes(body)


def _too_large() -> _Refused:
    return _Refused(413, InvalidInput(f"The body is larger than {MAX_BODY_BYTES} bytes."))


def _object(body: bytes) -> dict[str, Any]:
    try:
        arguments = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        raise _Refused(400, InvalidInput("The body is not JSON.")) from None
    if not isinstance(arguments, dict):
        raise _Refused(
            400, InvalidInput("The body is not a JSON object.", hint="Send the arguments by name.")
        )
    return arguments  # pyright: ignore[reportUnknownVariableType] keys of a JSON object are strings


def _retry_after(answer: Mapping[str, Any]) -> dict[str, str]:
    seconds = answer.get("retry_after_s")
    return {} if seconds is None else {"Retry-After": str(max(1, round(seconds)))}
