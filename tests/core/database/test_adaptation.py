from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import TYPE_CHECKING

import pytest

from rookery_core.database import Capabilities, Connection, status
from rookery_core.database.adaptation import adapt
from rookery_core.database.connections import connected
from rookery_core.errors import Unavailable

if TYPE_CHECKING:
    from core.database.conftest import MakeSchema


async def index_birds(connection: Connection, offered: Capabilities) -> AsyncIterator[str]:
    await connection.execute("create table if not exists rookery.bird (name text)")
    await connection.execute("create index concurrently if not exists bird_name on rookery.bird (name)")
    yield f"index on birds as {await connection.fetchval('select current_user')}, vector {offered.vector}"


async def test_a_schema_is_adapted_as_owner_outside_a_transaction(
    owner_dsn: str, make_schema: MakeSchema
) -> None:
    roost = make_schema("roost", {}, adapt=index_birds)
    lines = [line async for line in adapt(owner_dsn, schemas=[roost])]
    assert any(line.startswith("roost: index on birds as rookery_owner, vector 0.") for line in lines)
    assert [line async for line in adapt(owner_dsn, schemas=[roost])][-1] == lines[-1]


async def test_one_adapts_at_a_time(owner_dsn: str, make_schema: MakeSchema) -> None:
    roost = make_schema("roost", {}, adapt=index_birds)
    async with aclosing(adapt(owner_dsn, schemas=[roost])) as steps:
        while not (await anext(steps)).startswith("roost"):
            pass
        with pytest.raises(Unavailable, match="adapting"):
            _ = [line async for line in adapt(owner_dsn, schemas=[roost], patience_s=0)]
    assert [line async for line in adapt(owner_dsn, schemas=[roost], patience_s=10)]


async def test_the_status_tells_what_is_there(owner_dsn: str) -> None:
    found = await status(owner_dsn)
    assert found.problem is None
    assert found.capabilities.vector
    by_name = {schema.name: schema for schema in found.schemas}
    assert by_name["queue"].applied >= 1
    assert by_name["queue"].adapted_at is not None
    assert {"rookery_owner", "rookery_slack", "rookery_ingest"} <= {role.name for role in found.roles}
    assert any("vector" in line for line in found.lines())


async def test_what_was_adapted_is_on_record(owner_dsn: str, make_schema: MakeSchema) -> None:
    _ = [line async for line in adapt(owner_dsn, schemas=[make_schema("roost", {}, adapt=index_birds)])]
    async with connected(owner_dsn) as connection:
        row = await connection.fetchrow("select * from rookery.adaptation where schema = 'roost'")
    assert row is not None
    assert row["server"]["vector"]
