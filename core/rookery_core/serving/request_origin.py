"""The metadata of a request: `_meta` over MCP, the equivalent headers over REST."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from fastmcp.server.dependencies import get_http_request
from fastmcp.server.middleware import MiddlewareContext
from starlette.requests import Request

from rookery_core.identity.asker import ASKER_META_KEY
from rookery_core.telemetry import TRACE_META_KEY, TRACEPARENT

ASKER_HEADER = "rookery-asker"
TRACE_HEADER = "rookery-trace"
_HEADERS = {ASKER_META_KEY: ASKER_HEADER, TRACE_META_KEY: TRACE_HEADER, TRACEPARENT: TRACEPARENT}

_rest_meta: ContextVar[Mapping[str, str] | None] = ContextVar("rookery_rest_meta", default=None)


@contextmanager
def rest_call(meta: Mapping[str, str]) -> Generator[None]:
    """Serve a call over REST in this block, with `meta` as its `_meta`."""
    token = _rest_meta.set(meta)
    try:
        yield
    finally:
        _rest_meta.reset(token)


def meta_of_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers of an HTTP request in the form that `_meta` has over MCP."""
    return {key: value for key, header in _HEADERS.items() if (value := headers.get(header)) is not None}


def meta_of(context: MiddlewareContext[Any]) -> Any:
    """The `_meta` of a request over MCP or REST."""
    if (meta := _rest_meta.get()) is not None:
        return meta
    fastmcp_context = context.fastmcp_context
    request = fastmcp_context.request_context if fastmcp_context else None
    return request.meta if request else None


def http_request() -> Request | None:
    """The current HTTP request; None over stdio."""
    try:
        return get_http_request()
    except RuntimeError:
        return None


def query_of_connection() -> dict[str, list[str]]:
    """The query string of the MCP endpoint that a client uses. Empty over REST, where it holds the arguments."""
    request = http_request() if _rest_meta.get() is None else None
    if request is None:
        return {}
    query = request.query_params
    return {name: query.getlist(name) for name in query}
