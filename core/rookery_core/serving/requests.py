"""What surrounds every request: its caller, its trace id, its errors."""

from __future__ import annotations

import time
from typing import Any

from fastmcp.exceptions import FastMCPError, PromptError, ResourceError
from fastmcp.exceptions import ValidationError as ArgumentsRefused
from fastmcp.server.dependencies import get_access_token
from fastmcp.server.middleware import CallNext, Middleware, MiddlewareContext
from pydantic import ValidationError

from rookery_core.errors import RookeryError
from rookery_core.identity.caller import Caller, acting_as
from rookery_core.identity.resolution import CallerResolver
from rookery_core.serving.failures import tool_error
from rookery_core.serving.request_origin import http_request, meta_of
from rookery_core.serving.validation import argument_error
from rookery_core.telemetry import get_logger, trace_id_of, tracing

logger = get_logger(__name__)


class RequestMiddleware(Middleware):
    """Serves every call, read and prompt for the caller that the resolver finds, under the request's trace id."""

    def __init__(self, resolver: CallerResolver) -> None:
        self._resolver = resolver

    async def on_call_tool(self, context: MiddlewareContext[Any], call_next: CallNext[Any, Any]) -> Any:
        started = time.perf_counter()
        meta = meta_of(context)
        with tracing(_trace_of(meta)):
            try:
                with acting_as(self._caller(meta)):
                    return await call_next(context)
            except RookeryError as error:
                raise tool_error(error) from None
            except ArgumentsRefused as error:
                if isinstance(error.__cause__, ValidationError):
                    raise tool_error(
                        argument_error(error.__cause__, await _argument_names(context))
                    ) from None
                raise
            finally:
                logger.debug(
                    "tools/call %s took %.1f ms", context.message.name, (time.perf_counter() - started) * 1e3
                )

    async def on_read_resource(self, context: MiddlewareContext[Any], call_next: CallNext[Any, Any]) -> Any:
        return await self._serve(context, call_next, ResourceError)

    async def on_get_prompt(self, context: MiddlewareContext[Any], call_next: CallNext[Any, Any]) -> Any:
        return await self._serve(context, call_next, PromptError)

    async def _serve(
        self, context: MiddlewareContext[Any], call_next: CallNext[Any, Any], failure: type[FastMCPError]
    ) -> Any:
        meta = meta_of(context)
        with tracing(_trace_of(meta)):
            try:
                with acting_as(self._caller(meta)):
                    return await call_next(context)
            except RookeryError as error:
                raise failure(str(error)) from None

    def _caller(self, meta: Any) -> Caller:
        token = get_access_token()
        bearer = _caller_of_claims(token.claims) if token else None
        return self._resolver.resolve(meta, bearer, over_http=http_request() is not None)


async def _argument_names(context: MiddlewareContext[Any]) -> list[str]:
    if context.fastmcp_context is None:
        return []
    tool = await context.fastmcp_context.fastmcp.get_tool(context.message.name)
    return list(tool.parameters.get("properties", ())) if tool else []


def _trace_of(meta: Any) -> str | None:
    """The trace that a request belongs to: by its `_meta`, else by the headers that it came with."""
    request = http_request()
    return trace_id_of(meta) or (trace_id_of(request.headers) if request else None)


def _caller_of_claims(claims: dict[str, Any]) -> Caller:
    """The caller that `verify_token` wrote into an access token."""
    return Caller(
        team=claims["team"],
        user=claims["user"],
        kind=claims["kind"],
        scopes=frozenset(claims["scopes"]),
    )
