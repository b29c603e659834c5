"""Which of its tools, prompts and resources a server shows: chosen by the operator, narrowed by each connection.

The operator's choice is made of settings, once. A client of an HTTP server narrows it further by the query of the
address it connects to (`/mcp?tools=search_docs,get_*`); it never gets more than the operator shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

from fastmcp.exceptions import NotFoundError, PromptError, ResourceError
from fastmcp.server.middleware import CallNext, Middleware, MiddlewareContext
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS

from rookery_core.errors import ConfigurationError, InvalidInput
from rookery_core.serving.failures import tool_error
from rookery_core.serving.request_origin import query_of_connection
from rookery_core.suggestions import suggest

if TYPE_CHECKING:
    from rookery_core.settings import CoreSettings

Kind = Literal["tools", "prompts", "resources"]


class Named(Protocol):
    """A tool, prompt, resource or template as FastMCP lists it."""

    @property
    def name(self) -> str: ...


Component = TypeVar("Component", bound=Named)


@dataclass(frozen=True, slots=True)
class Selection:
    """What to show, by names and globs. only: empty shows all. exclude: stronger than only.

    What is shown may go by several names, the one it is offered under first: globs are meant for that one.
    """

    only: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def shows(self, names: Sequence[str]) -> bool:
        """Whether something that goes by these names is shown."""
        return (not self.only or _matches(self.only, names)) and not _matches(self.exclude, names)

    def unknown(self, all_names: Iterable[Sequence[str]]) -> str | None:
        """The first entry that fits nothing there is: a slip that would show too much or too little."""
        known = tuple(all_names)
        return next(
            (
                entry
                for entry in (*self.only, *self.exclude)
                if not any(_matches((entry,), names) for names in known)
            ),
            None,
        )


EVERYTHING = Selection()


@dataclass(frozen=True, slots=True)
class Choice:
    """What the operator of a server shows."""

    tools: Selection = EVERYTHING
    prompts: Selection = EVERYTHING
    resources: Selection = EVERYTHING

    def check(self, kind: Kind, all_names: Iterable[Sequence[str]]) -> None:
        """Raises ConfigurationError, with the variable's name, when an entry names nothing that the server has."""
        selection, known = self.of(kind), tuple(all_names)
        if (entry := selection.unknown(known)) is not None:
            setting = "ROOKERY_TOOLS" if entry in selection.only else "ROOKERY_EXCLUDE"
            raise ConfigurationError(_no_such(setting, kind, entry), candidates=_near(entry, known))

    def of(self, kind: Kind) -> Selection:
        """The choice of one kind."""
        return {"tools": self.tools, "prompts": self.prompts, "resources": self.resources}[kind]


SHOW_ALL = Choice()


def choice_of(settings: CoreSettings) -> Choice:
    """The choice that ROOKERY_TOOLS (--tools) and ROOKERY_EXCLUDE (--exclude) make."""
    excluded: dict[str, list[str]] = {"tools": [], "prompts": [], "resources": []}
    for entry in settings.exclude:
        kind, separator, name = entry.partition(":")
        if separator and kind in excluded:
            excluded[kind].append(name)
        else:
            excluded["tools"].append(entry)
    return Choice(
        Selection(settings.tools, tuple(excluded["tools"])),
        Selection(exclude=tuple(excluded["prompts"])),
        Selection(exclude=tuple(excluded["resources"])),
    )


@dataclass(slots=True)
class SelectionMiddleware(Middleware):
    """Leaves out of lists, and refuses to serve, what is not shown.

    tools: every tool by the name it is offered under, with all names it goes by.
    """

    choice: Choice
    tools: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])

    async def on_list_tools(self, context: MiddlewareContext[Any], call_next: CallNext[Any, Any]) -> Any:
        return self._shown("tools", await call_next(context))

    async def on_list_prompts(self, context: MiddlewareContext[Any], call_next: CallNext[Any, Any]) -> Any:
        return self._shown("prompts", await call_next(context))

    async def on_list_resources(self, context: MiddlewareContext[Any], call_next: CallNext[Any, Any]) -> Any:
        return self._shown("resources", await call_next(context))

    async def on_list_resource_templates(
        self, context: MiddlewareContext[Any], call_next: CallNext[Any, Any]
    ) -> Any:
        return self._shown("resources", await call_next(context))

    async def on_call_tool(self, context: MiddlewareContext[Any], call_next: CallNext[Any, Any]) -> Any:
        name = context.message.name
        try:
            shown = self._test("tools")(name)
        except InvalidInput as error:
            raise tool_error(error) from None
        if not shown:
            raise NotFoundError(f"Unknown tool: {name!r}")
        return await call_next(context)

    async def on_get_prompt(self, context: MiddlewareContext[Any], call_next: CallNext[Any, Any]) -> Any:
        return await self._served("prompts", context.message.name, PromptError, context, call_next)

    async def on_read_resource(self, context: MiddlewareContext[Any], call_next: CallNext[Any, Any]) -> Any:
        name = await _resource_name(context)
        return await self._served("resources", name, ResourceError, context, call_next)

    async def _served(
        self,
        kind: Kind,
        name: str,
        failure: Callable[[str], Exception],
        context: MiddlewareContext[Any],
        call_next: CallNext[Any, Any],
    ) -> Any:
        if not self._test(kind)(name):
            raise failure(f"This server shows no {kind.removesuffix('s')} {name!r}.")
        return await call_next(context)

    def _shown(self, kind: Kind, components: Sequence[Component]) -> list[Component]:
        try:
            shows = self._test(kind)
        except InvalidInput as error:
            raise MCPError(code=INVALID_PARAMS, message=str(error)) from None
        return [each for each in components if shows(each.name)]

    def _test(self, kind: Kind) -> Callable[[str], bool]:
        """Whether a name is shown to the client that asks. Raises InvalidInput where its address names no tool."""
        chosen, asked = self.choice.of(kind), self._asked_for(kind)

        def shows(name: str) -> bool:
            names = self.tools.get(name, (name,)) if kind == "tools" else (name,)
            return chosen.shows(names) and asked.shows(names)

        return shows

    def _asked_for(self, kind: Kind) -> Selection:
        query = query_of_connection()
        if not query:
            return EVERYTHING
        selection = Selection(_entries(query, kind), _entries(query, f"exclude_{kind}"))
        known = self.tools.values()
        if kind == "tools" and (entry := selection.unknown(known)) is not None:
            parameter = kind if entry in selection.only else f"exclude_{kind}"
            raise InvalidInput(
                _no_such(f"?{parameter}", kind, entry),
                hint="Change the address of the server.",
                candidates=_near(entry, known),
            )
        return selection


async def _resource_name(context: MiddlewareContext[Any]) -> str:
    """The name under which the resource of a request is listed, or its address where it is not."""
    uri = str(context.message.uri)
    if context.fastmcp_context is None:
        return uri
    server = context.fastmcp_context.fastmcp
    found = await server.get_resource(uri) or await server.get_resource_template(uri)
    return found.name if found else uri


def _entries(query: dict[str, list[str]], parameter: str) -> tuple[str, ...]:
    return tuple(
        part.strip() for value in query.get(parameter, ()) for part in value.split(",") if part.strip()
    )


def _matches(entries: Iterable[str], names: Sequence[str]) -> bool:
    return any(entry in names or fnmatchcase(names[0], entry) for entry in entries)


def _no_such(where: str, kind: Kind, entry: str) -> str:
    return f"{where}: no {kind.removesuffix('s')} is called {entry!r}."


def _near(entry: str, known: Iterable[Sequence[str]]) -> list[str]:
    return suggest(entry, sorted({name for names in known for name in names}))
