"""The descriptions of foreign servers' tools, pinned: a server cannot turn a tool into another unnoticed.

A tool is pinned when it is first seen. What is pinned is everything that the model reads of it: name, description,
schema and annotations.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from rookery_core.errors import RookeryError
from rookery_core.fencing import hidden_characters
from rookery_core.telemetry import get_logger

if TYPE_CHECKING:
    from mcp_types import Tool

    from rookery.agent.recording import Recorder
    from rookery.mcp.fleet import OfferedTool

logger = get_logger(__name__)
Mode = Literal["off", "warn", "enforce"]


def digest(tool: Tool) -> str:
    """The hash of what a model reads of a tool."""
    told = tool.model_dump(
        mode="json", by_alias=True, exclude_none=True, include={"name", "title", "description", "input_schema", "annotations"}
    )  # fmt: skip
    return hashlib.sha256(json.dumps(told, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


class Pins:
    """Compares tools with their pins. Kept in the database where there is one, else for this process only."""

    def __init__(self, mode: Mode, recorder: Recorder | None) -> None:
        self._mode = mode
        self._recorder = recorder
        self._known: dict[tuple[str, str], str] | None = None
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
        """What was found, whether or not it is enforced."""
        return list(self._judged[1].values()) if self._judged else []

    async def _judge(self, tools: Mapping[str, OfferedTool]) -> dict[str, str]:
        found: dict[str, str] = {}
        for name, offered in tools.items():
            if offered.server.own:
                continue
            if problem := await self._problem(offered):
                logger.warning("%s", problem)
                found[name] = problem
        return found

    async def _problem(self, offered: OfferedTool) -> str | None:
        where = f"{offered.server.name}: the tool {offered.tool.name!r}"
        if hidden := hidden_characters(offered.tool.description or ""):
            return f"{where} hides characters in its description ({', '.join(hidden[:3])})"
        known = await self._pins()
        key, now = (offered.server.name, offered.tool.name), digest(offered.tool)
        pinned = known.setdefault(key, now)
        if pinned != now:
            return f"{where} has changed since it was pinned; `rookery pins --accept {key[0]}` accepts it"
        await self._remember(*key, now)
        return None

    async def _pins(self) -> dict[tuple[str, str], str]:
        if self._known is None:
            self._known = {}
            if self._recorder:
                try:
                    self._known = await (await self._recorder.store()).pins()
                except RookeryError as error:
                    logger.info("pins are kept for this process only: %s", error)
                    self._recorder = None
        return self._known

    async def _remember(self, server: str, tool: str, now: str) -> None:
        if self._recorder:
            await (await self._recorder.store()).pin(server, tool, now)
