"""A group of servers: started in parallel, with their tools under one set of names."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from rookery_core.mcp.connection import Connection
from rookery_core.mcp.schemas import portable_schema
from rookery_core.telemetry import get_logger

if TYPE_CHECKING:
    from mcp_types import Tool

    from rookery_core.mcp.configuration import NamedServer, ToolSettings

logger = get_logger(__name__)
MAX_NAME_LENGTH = 64  # what model providers accept for the name of a tool
_FORBIDDEN = re.compile(r"[^A-Za-z0-9_-]")


@dataclass(frozen=True, slots=True)
class OfferedTool:
    """A tool of a server under the name by which the model calls it, with the schema that providers accept."""

    name: str
    connection: Connection
    tool: Tool
    parameters: Mapping[str, Any]

    @property
    def server(self) -> NamedServer:
        return self.connection.server

    @property
    def settings(self) -> ToolSettings | None:
        return self.server.entry.tools.get(self.tool.name)

    @property
    def read_only(self) -> bool:
        """Whether the server declares the tool as read-only. Without a declaration it counts as writing."""
        annotations = self.tool.annotations
        return bool(annotations and annotations.read_only_hint)

    @property
    def repeatable(self) -> bool:
        """Whether a lost call may be made once more: read-only or idempotent."""
        annotations = self.tool.annotations
        return self.read_only or bool(annotations and annotations.idempotent_hint)


class ServerGroup:
    """The servers of an mcp.json. Entering starts them all and waits until each is up or has failed once.

    A server that is down is left out of `tools()` until it is back.
    """

    def __init__(self, servers: Sequence[NamedServer], *, start_timeout_s: float = 45.0) -> None:
        self.connections = [Connection(server, on_change=self.forget_tools) for server in servers]
        self._start_timeout_s = start_timeout_s
        self._tools: dict[str, OfferedTool] | None = None

    async def __aenter__(self) -> Self:
        for connection in self.connections:
            connection.start()
        waiting = [
            asyncio.ensure_future(connection.wait_for_first_attempt()) for connection in self.connections
        ]
        if waiting:
            _, late = await asyncio.wait(waiting, timeout=self._start_timeout_s)
            for task in late:
                task.cancel()
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(*(connection.close() for connection in self.connections))

    def connection(self, name: str) -> Connection | None:
        return next((connection for connection in self.connections if connection.name == name), None)

    def tools(self, *, internal: bool = True) -> dict[str, OfferedTool]:
        """Every tool that can be called now, by the model's name for it, in a stable order.

        internal=False leaves out servers marked internal_only.
        """
        if self._tools is None:
            self._tools = self._collect()
        if internal:
            return self._tools
        return {name: tool for name, tool in self._tools.items() if not tool.server.entry.internal_only}

    def down(self) -> list[Connection]:
        """The servers that are not connected now."""
        return [connection for connection in self.connections if not connection.up]

    def forget_tools(self) -> None:
        """Collect the tools again with the next `tools()`."""
        self._tools = None

    def _collect(self) -> dict[str, OfferedTool]:
        tools: dict[str, OfferedTool] = {}
        for connection in self.connections:
            if not connection.up:
                continue
            allowed = connection.server.entry.allowed_tools
            for tool in sorted(connection.tools, key=lambda tool: tool.name):
                if allowed is not None and tool.name not in allowed:
                    continue
                parameters = portable_schema(tool.input_schema)
                if parameters is None:
                    logger.warning("%s: tool %s is left out: no provider accepts the names of its arguments", connection.name, tool.name)  # fmt: skip
                    continue
                name = model_name(connection.server.prefix, tool.name)
                if name in tools:
                    # The first server in mcp.json keeps the name: a later one must not shadow its tool.
                    name = model_name(connection.name, f"{tool.name}_{_digest(connection.name + tool.name)}")
                tools[name] = OfferedTool(name, connection, tool, parameters)
        return tools


def model_name(prefix: str, tool: str) -> str:
    """A name that every provider accepts: at most 64 letters, digits, '_' and '-'."""
    name = _FORBIDDEN.sub("_", f"{prefix}_{tool}" if prefix else tool)
    return name if len(name) <= MAX_NAME_LENGTH else f"{name[: MAX_NAME_LENGTH - 9]}_{_digest(name)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
