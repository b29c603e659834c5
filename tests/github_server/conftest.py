"""An emulated GitHub for each test, and the server in front of it, asked as a client asks it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
import pytest_asyncio
from fastmcp import Client

from asking_github import Asking, Connect, MakeSettings
from emulators.github import Emulator
from emulators.github.sample import TOKEN, sample_world
from rookery_github.server import build_server
from rookery_github.settings import GitHubSettings


@pytest.fixture(scope="session")
def running_emulator() -> Iterator[Emulator]:
    with Emulator(sample_world()) as running:
        yield running


@pytest.fixture
def emulator(running_emulator: Emulator) -> Emulator:
    """An emulator that serves a fresh copy of the sample and has not been asked anything."""
    running_emulator.reset(sample_world())
    return running_emulator


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
            "write_spacing_s": 0,
            "max_wait_s": 0.5,
        }
        return GitHubSettings.from_environment(**{**given, **variables})

    return make


@pytest_asyncio.fixture
async def connect(make_settings: MakeSettings) -> AsyncIterator[Connect]:
    """A function that starts a server with these variables and gives a client of it."""
    async with AsyncExitStack() as stack:

        async def start(**variables: Any) -> Asking:
            server = build_server(make_settings(**variables)).server
            return Asking(await stack.enter_async_context(Client(server)))

        yield start


@pytest_asyncio.fixture
async def ask(connect: Connect) -> Asking:
    """A client of a server with the usual settings."""
    return await connect()


@pytest.fixture(scope="session")
def app_key() -> str:
    """The private key of a GitHub App, made for this run."""
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
