"""An emulated GitHub for each test, and the server in front of it, asked as a client asks it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from fastmcp import Client

from emulators.github import Emulator
from emulators.github.sample import TOKEN, sample_world
from rookery_github.server import build_server
from rookery_github.settings import GitHubSettings


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(sample_world()) as running:
        yield running


MakeSettings = Callable[..., GitHubSettings]


@pytest.fixture
def make_settings(emulator: Emulator) -> MakeSettings:
    """Settings of a server in front of the emulator; arguments are environment variables."""

    def make(**variables: Any) -> GitHubSettings:
        given = {
            "GITHUB_TOKEN": TOKEN,
            "ROOKERY_GITHUB_URL": emulator.url,
            "ROOKERY_GITHUB_WEB_URL": "https://github.com",
            "ROOKERY_GITHUB_CACHE": "memory",
            "ROOKERY_GITHUB_USE_GH": False,
            "ROOKERY_GITHUB_WRITE_SPACING_S": 0,
            "ROOKERY_GITHUB_MAX_WAIT_S": 0.5,
        }
        return GitHubSettings.from_environment(**{**given, **variables})

    return make


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


Ask = Callable[..., Awaitable[Asking]]


@pytest_asyncio.fixture
async def connect(make_settings: MakeSettings) -> AsyncIterator[Ask]:
    """A function that starts a server with these variables and gives a client of it."""
    async with AsyncExitStack() as stack:

        async def start(**variables: Any) -> Asking:
            server = build_server(make_settings(**variables))
            return Asking(await stack.enter_async_context(Client(server)))

        yield start


@pytest_asyncio.fixture
async def ask(connect: Ask) -> Asking:
    """A client of a server with the usual settings."""
    return await connect()
