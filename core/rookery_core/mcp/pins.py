"""Pins of the tool descriptions of foreign servers: a server cannot turn a tool into another unnoticed.

A tool is pinned when it is first seen. The pin covers everything that a model reads of it: name, description,
schema and annotations.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Literal, Protocol

from rookery_core.errors import RookeryError
from rookery_core.telemetry import get_logger
from rookery_core.text import hidden_characters

if TYPE_CHECKING:
    from mcp_types import Tool

    from rookery_core.mcp.server_group import OfferedTool

logger = get_logger(__name__)
Mode = Literal["off", "warn", "enforce"]


class PinStore(Protocol):
    """Where pins outlive the process, by the names of server and tool."""

    async def pins(self) -> dict[tuple[str, str], str]: ...

    async def pin(self, server: str, tool: str, digest: str) -> None: ...


OpenPinStore = Callable[[], Awaitable[PinStore]]


def tool_digest(tool: Tool) -> str:
    """The hash of what a model reads of a tool."""
    description = tool.model_dump(
        mode="json", by_alias=True, exclude_none=True, include={"name", "title", "description", "input_schema", "annotations"}
    )  # fmt: skip
    return hashlib.sha256(json.dumps(description, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


class Pins:
    """Compares tools with their pins. Without a store, or while it fails, pins last as long as the process."""

    def __init__(self, mode: Mode, open_store: OpenPinStore | None) -> None:
        self._mode = mode
        self._open_store = open_store
        self._digests: dict[tuple[str, str], str] | None = None
        self._judged: tuple[Mapping[str, OfferedTool], dict[str, str]] | None = None

    async def refused(self, tools: Mapping[str, OfferedTool]) -> dict[str, str]:
        """The tools that may not be used as they are now, and why. Cheap for tools that were judged before."""
        if self._mode == "off":
            return {}
        if self._judged is None or self._judged[0] is not tools:
            self._judged = (tools, await self._judge(tools))
        return self._judged[1] if self._mode == "enforce" else {}

    @property
    def suspicions(self) -> list[str]:
        """The problems of the tools that were judged last, whether or not they are enforced."""
        return list(self._judged[1].values()) if self._judged else []

    async def _judge(self, tools: Mapping[str, OfferedTool]) -> dict[str, str]:
        problems: dict[str, str] = {}
        for name, offered in tools.items():
            if offered.server.own:
                continue
            if problem := await self._problem(offered):
                logger.warning("%s", problem)
                problems[name] = problem
        return problems

    async def _problem(self, offered: OfferedTool) -> str | None:
        where = f"{offered.server.name}: the tool {offered.tool.name!r}"
        if hidden := hidden_characters(offered.tool.description or ""):
            return f"{where} hides characters in its description ({', '.join(hidden[:3])})"
        digests = await self._pinned_digests()
        key, digest = (offered.server.name, offered.tool.name), tool_digest(offered.tool)
        if digests.setdefault(key, digest) != digest:
            return f"{where} has changed since it was pinned; `rookery pins --accept {key[0]}` accepts it"
        if self._open_store:
            await (await self._open_store()).pin(*key, digest)
        return None

    async def _pinned_digests(self) -> dict[tuple[str, str], str]:
        if self._digests is None:
            self._digests = {}
            if self._open_store:
                try:
                    self._digests = await (await self._open_store()).pins()
                except RookeryError as error:
                    logger.info("pins last only as long as this process: %s", error)
                    self._open_store = None
        return self._digests
