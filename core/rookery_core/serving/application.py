"""Builds a FastMCP server from plain functions. The only place that registers tools."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastmcp import FastMCP
from fastmcp.tools import FunctionTool, Tool
from mcp_types import ToolAnnotations

from rookery_core.identity.asker import AskerVerifier
from rookery_core.identity.resolution import CallerResolver
from rookery_core.serving.failures import answering_failures
from rookery_core.serving.lean_tool import lean
from rookery_core.serving.requests import RequestMiddleware
from rookery_core.serving.selection import SHOW_ALL, Choice, SelectionMiddleware

if TYPE_CHECKING:
    from rookery_core.settings import CoreSettings

Hook = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class ServerSpec:
    """What a server says of itself. `name` is also the audience of signed askers (`rookery-slack`)."""

    name: str
    title: str
    instructions: str
    version: str


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool: a plain async function, its name on the wire, and what a client may assume of it."""

    fn: Callable[..., Awaitable[Any]]
    name: str
    annotations: ToolAnnotations
    enabled: bool = True
    brief_output: bool = False
    synonyms: tuple[str, ...] = ()


def tool(
    fn: Callable[..., Awaitable[Any]],
    *,
    name: str | None = None,
    read_only: bool = True,
    idempotent: bool = True,
    destructive: bool = False,
    open_world: bool = False,
    enabled: bool = True,
    brief_output: bool = False,
    synonyms: Sequence[str] = (),
) -> ToolSpec:
    """`fn` as a tool. Its docstring is the published description, its annotations the schema.

    open_world: it reaches beyond our database. enabled=False leaves it out of the list altogether.
    brief_output: list the fields of the answer's items by name only, where another tool tells more of the same.
    synonyms: further names by which an operator or a client may choose the tool.
    """
    annotations = ToolAnnotations(read_only_hint=read_only, open_world_hint=open_world)
    if not read_only:  # the other hints mean something only of a tool that changes something
        annotations.idempotent_hint, annotations.destructive_hint = idempotent, destructive
    return ToolSpec(
        fn=fn,
        name=name or fn.__name__,
        annotations=annotations,
        enabled=enabled,
        brief_output=brief_output,
        synonyms=tuple(synonyms),
    )


def create_server(
    spec: ServerSpec,
    tools: Iterable[ToolSpec],
    *,
    settings: CoreSettings,
    as_user: str | None = None,
    on_start: Hook | None = None,
    on_stop: Hook | None = None,
    register: Sequence[Callable[[FastMCP], None]] = (),
    choice: Choice = SHOW_ALL,
) -> FastMCP:
    """A server with these tools. `on_start` must not wait: it starts what goes on in the background.

    register: functions that add resources, prompts or routes to the server. choice: what of all that it shows.
    Raises ConfigurationError for a choice that names no tool of the server.
    """
    specs = list(tools)
    names = {each.name: (each.name, *each.synonyms) for each in specs}
    choice.check("tools", names.values())
    server: FastMCP = FastMCP(
        spec.name,
        instructions=spec.instructions,
        version=spec.version,
        middleware=[
            RequestMiddleware(resolver(spec.name, settings, as_user)),
            SelectionMiddleware(choice, names),
        ],
        lifespan=_lifespan(on_start, on_stop),
        mask_error_details=True,
        on_duplicate="error",
        cache_ttl=300,
        cache_scope="public",
    )
    for each in specs:
        if each.enabled:
            server.add_tool(_as_fastmcp_tool(each))
    for add in register:
        add(server)
    _look_up_no_schema(server)
    return server


def resolver(audience: str, settings: CoreSettings, as_user: str | None = None) -> CallerResolver:
    """Who asks `audience`, by these settings."""
    key = settings.context_key
    askers = AskerVerifier(key.get_secret_value(), audience) if key else None
    return CallerResolver(team=settings.team, as_user=as_user, askers=askers)


def _as_fastmcp_tool(spec: ToolSpec) -> Tool:
    fn = answering_failures(spec.fn, spec.name)
    registered = FunctionTool.from_function(fn, name=spec.name, annotations=spec.annotations)
    return lean(registered, brief_output=spec.brief_output)


def _lifespan(on_start: Hook | None, on_stop: Hook | None) -> Callable[[FastMCP], Any]:
    @asynccontextmanager
    async def lifespan(_server: FastMCP) -> AsyncGenerator[dict[str, Any]]:
        if on_start:
            await on_start()
        try:
            yield {}
        finally:
            if on_stop:
                await on_stop()

    return lifespan


def _look_up_no_schema(server: FastMCP) -> None:
    """Spare a full tools/list inside every tools/call over HTTP.

    The SDK makes it to find `x-mcp-header` annotations, of which our tools have none.
    """

    def no_schema(_name: str) -> None:
        return None

    server._mcp_server.get_tool_input_schema = no_schema  # pyright: ignore[reportPrivateUsage] no public way to set it
