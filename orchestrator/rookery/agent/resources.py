"""Resources and prompts of servers, as tools that the model can call. Offered only where a server has some."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rookery.agent.local_tools import LocalTool, required
from rookery_core.errors import NotFound, RookeryError

if TYPE_CHECKING:
    from fastmcp import Client

    from rookery_core.mcp.connection import Connection
    from rookery_core.mcp.server_group import ServerGroup

TIMEOUT_S = 20.0
_SERVER = {"type": "string", "description": "The server's name."}


def resource_tools(servers: ServerGroup, *, internal: bool) -> list[LocalTool]:
    """`list_resources`, `read_resource` and `get_prompt`, as far as there is something to list, read or get."""
    connections = [
        each for each in servers.connections if each.up and (internal or not each.server.entry.internal_only)
    ]
    with_resources = [each for each in connections if each.has_resources]
    with_prompts = [each for each in connections if each.has_prompts]
    tools: list[LocalTool] = []
    if with_resources:
        tools += [_list_resources(with_resources), _read_resource(with_resources)]
    if with_prompts:
        tools.append(_get_prompt(with_prompts))
    return tools


def _list_resources(connections: Sequence[Connection]) -> LocalTool:
    async def run(_: Mapping[str, Any]) -> Any:
        listed: list[dict[str, Any]] = []
        for each in connections:
            try:
                listed += await _listed(each)
            except RookeryError as error:
                listed.append({"server": each.name, "problem": str(error)})
        return {"resources": listed}

    return LocalTool(
        name="list_resources",
        description=f"List the resources and templates of resources that servers offer ({_names(connections)}).",
        parameters={"type": "object", "properties": {}, "additionalProperties": False},
        run=run,
        internal_only=False,
    )


async def _listed(connection: Connection) -> list[dict[str, Any]]:
    async def ask(client: Client[Any]) -> list[dict[str, Any]]:
        resources = [
            {"server": connection.name, "resource": str(each.uri), "about": each.description}
            for each in await client.list_resources()
        ]
        templates = [
            {"server": connection.name, "template": each.uri_template, "about": each.description}
            for each in await client.list_resource_templates()
        ]
        return [*resources, *templates]

    return await connection.request("resources/list", TIMEOUT_S, ask)


def _read_resource(connections: Sequence[Connection]) -> LocalTool:
    async def run(arguments: Mapping[str, Any]) -> Any:
        connection, uri = _of(connections, required(arguments, "server")), required(arguments, "uri")
        contents = await connection.request(
            "resources/read", TIMEOUT_S, lambda client: client.read_resource(uri)
        )
        return "\n".join(getattr(part, "text", None) or "[binary content left out]" for part in contents)

    return LocalTool(
        name="read_resource",
        description="Read one resource of a server, as list_resources shows it or as a template of it says.",
        parameters={
            "type": "object",
            "properties": {
                "server": _SERVER,
                "uri": {"type": "string", "description": "The address of the resource."},
            },
            "required": ["server", "uri"],
            "additionalProperties": False,
        },
        run=run,
        internal_only=False,
    )


def _get_prompt(connections: Sequence[Connection]) -> LocalTool:
    async def run(arguments: Mapping[str, Any]) -> Any:
        connection, given = _of(connections, required(arguments, "server")), arguments.get("arguments")
        name = str(arguments.get("name") or "")
        if not name:
            prompts = await connection.request(
                "prompts/list", TIMEOUT_S, lambda client: client.list_prompts()
            )
            return {"prompts": [{"name": each.name, "about": each.description} for each in prompts]}
        values = {str(key): str(value) for key, value in given.items()} if isinstance(given, dict) else {}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] JSON of the model
        result = await connection.request(
            "prompts/get", TIMEOUT_S, lambda client: client.get_prompt(name, values)
        )
        return "\n".join(str(getattr(message.content, "text", "")) for message in result.messages)

    return LocalTool(
        name="get_prompt",
        description=f"Get a prepared instruction of a server ({_names(connections)}); without a name, list them.",
        parameters={
            "type": "object",
            "properties": {
                "server": _SERVER,
                "name": {"type": "string", "description": "The prompt's name."},
                "arguments": {"type": "object", "description": "Its arguments, by name."},
            },
            "required": ["server"],
            "additionalProperties": False,
        },
        run=run,
        internal_only=False,
    )


def _of(connections: Sequence[Connection], name: str) -> Connection:
    for each in connections:
        if each.name == name:
            return each
    raise NotFound(f"No server {name!r} offers that.", candidates=[each.name for each in connections])


def _names(connections: Sequence[Connection]) -> str:
    return ", ".join(each.name for each in connections)
