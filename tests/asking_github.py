"""A client of the GitHub server, as its tests use one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from fastmcp import Client

from rookery_github.settings import GitHubSettings

MakeSettings = Callable[..., GitHubSettings]


@dataclass(frozen=True)
class Reply:
    """What a call answered."""

    text: str
    structured: dict[str, Any]
    meta: dict[str, Any]
    is_error: bool

    @property
    def cursor(self) -> str:
        return self.structured.get("next_cursor", "")

    @property
    def requests(self) -> dict[str, int]:
        return self.meta["rookery/github"]["requests"]


class Asking:
    """A client of one server."""

    def __init__(self, client: Client[Any]) -> None:
        self.client = client

    async def __call__(self, name: str, **arguments: Any) -> Reply:
        result = await self.client.call_tool(name, arguments, raise_on_error=False)
        block: Any = result.content[0]
        return Reply(block.text, result.structured_content or {}, dict(result.meta or {}), result.is_error)

    async def all_of(self, name: str, **arguments: Any) -> list[Reply]:
        """Every page, by following the cursor."""
        replies = [await self(name, **arguments)]
        while replies[-1].cursor:
            replies.append(await self(name, **arguments, cursor=replies[-1].cursor))
        return replies


Connect = Callable[..., Awaitable[Asking]]
