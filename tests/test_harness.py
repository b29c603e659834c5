"""What the tests promise about themselves: no network, nobody's settings, databases that do not meet."""

from __future__ import annotations

import asyncio
import os
import socket
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from rookery_core.settings import CoreSettings

if TYPE_CHECKING:
    from postgres_for_tests import TestServer


def test_a_test_reaches_this_machine_only() -> None:
    with pytest.raises(RuntimeError, match=r"tried to reach 192\.0\.2\.1"), socket.socket() as client:
        client.connect(("192.0.2.1", 80))
    with pytest.raises(RuntimeError, match=r"tried to reach rookery\.example"):
        socket.getaddrinfo("rookery.example", 443)


async def test_nor_does_the_event_loop() -> None:
    with pytest.raises(RuntimeError, match="tried to reach"):
        await asyncio.open_connection("192.0.2.1", 80)


def test_the_environment_holds_nothing_of_whoever_runs_the_tests() -> None:
    found = [name for name in os.environ if name.startswith(("ROOKERY_", "SLACK_", "OPENAI_", "ANTHROPIC_"))]
    assert os.environ[found.pop()] == "", "ROOKERY_ENV_FILE, so that no .env of theirs is read"
    assert found == []
    assert "DATABASE_URL" not in os.environ
    assert str(CoreSettings().data_dir).startswith(os.environ["HOME"])


async def test_each_test_has_a_database_of_its_own(
    postgres: TestServer, owner_connection: asyncpg.Connection[Any]
) -> None:
    await owner_connection.execute("create table public.mine (n integer)")
    other = await postgres.create_database()
    connection = await asyncpg.connect(postgres.owner_dsn(other))
    try:
        assert await connection.fetchval("select to_regclass('public.mine')") is None
        assert await connection.fetchval("select count(*) from rookery.migration") > 0
    finally:
        await connection.close()
        await postgres.drop_database(other)
