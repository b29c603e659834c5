"""What every test gets: a PostgreSQL with a migrated database of its own, a clean environment, no network."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
import pytest_asyncio
from pydantic import SecretStr

from postgres_for_tests import TestServer
from rookery_core.settings import CoreSettings

if TYPE_CHECKING:
    import asyncpg

    from rookery_core.database import Database

OpenDatabase = Callable[..., Awaitable["Database"]]

_SCRUBBED = (
    "ROOKERY_",
    "SLACK_",
    "OPENAI_",
    "ANTHROPIC_",
    "GITHUB_TOKEN",
    "GH_TOKEN",
    "DATABASE_URL",
    "OTEL_",
    "PG",
)


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):  # the controller decides for its workers, which inherit it
        os.environ["ROOKERY_TEST_SERVER"] = TestServer.new_folder()
    sys.addaudithook(_stay_on_this_machine)


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        TestServer.remove(
            Path(os.environ["ROOKERY_TEST_SERVER"]), os.environ.get("ROOKERY_TEST_DATABASE_URL")
        )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if "ROOKERY_TEST_DATABASE_URL" in os.environ:
        return
    skip = pytest.mark.skip(reason="needs ROOKERY_TEST_DATABASE_URL to name a server that offers timescaledb")
    for item in items:
        if item.get_closest_marker("timescale"):
            item.add_marker(skip)


def _stay_on_this_machine(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        host = str(cast("tuple[Any, ...]", arguments[1])[0])
    elif event == "socket.getaddrinfo":
        host = arguments[0].decode() if isinstance(arguments[0], bytes) else str(arguments[0] or "localhost")
    else:
        return
    if not _is_loopback(host):
        raise RuntimeError(f"a test tried to reach {host}: tests talk to this machine only")


def _is_loopback(host: str) -> bool:
    if host in {"", "localhost", "0.0.0.0", "::"}:
        return True
    try:
        return ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


@pytest.fixture(scope="session")
def _home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, _home: Path) -> None:  # pyright: ignore[reportUnusedFunction]
    """No test sees, or touches, what belongs to whoever runs it."""
    for name in list(os.environ):
        if name.startswith(_SCRUBBED):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(_home))
    monkeypatch.setenv("XDG_DATA_HOME", str(_home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(_home))
    monkeypatch.setenv("ROOKERY_ENV_FILE", "")  # a developer's own .env


@pytest.fixture(scope="session")
def postgres() -> Iterator[TestServer]:
    """The server of this run: one for all workers, or the one ROOKERY_TEST_DATABASE_URL names."""
    server = TestServer.start(
        Path(os.environ["ROOKERY_TEST_SERVER"]), os.environ.get("ROOKERY_TEST_DATABASE_URL")
    )
    yield server
    server.close()


@pytest_asyncio.fixture
async def database_name(postgres: TestServer) -> AsyncIterator[str]:
    """A migrated database for this test alone."""
    name = await postgres.create_database()
    yield name
    await postgres.drop_database(name)


@pytest.fixture
def owner_dsn(postgres: TestServer, database_name: str) -> str:
    """The test's database, as a superuser."""
    return postgres.owner_dsn(database_name)


@pytest.fixture
def settings(postgres: TestServer, database_name: str, tmp_path: Path) -> CoreSettings:
    """Settings whose DATABASE_URL is the test's database, by the login that programs use."""
    return CoreSettings(
        database_url=SecretStr(postgres.app_dsn(database_name)), data_dir=tmp_path / "rookery"
    )


@pytest_asyncio.fixture
async def open_database(settings: CoreSettings) -> AsyncIterator[OpenDatabase]:
    """A function that opens the test's database under a role; closed when the test ends."""
    from rookery_core.database import Database

    opened: list[Database] = []

    async def open_as(role: str, **options: Any) -> Database:
        options.setdefault("application_name", "tests")
        database = await Database.open(settings, role=role, **options)
        opened.append(database)
        return database

    yield open_as
    for database in opened:
        await database.close()


@pytest_asyncio.fixture
async def owner_connection(owner_dsn: str) -> AsyncIterator[asyncpg.Connection[Any]]:
    """A connection to the test's database as a superuser, to arrange what no program may do."""
    from rookery_core.database.connections import connect

    connection = await connect(owner_dsn, "tests")
    yield connection
    await connection.close()
