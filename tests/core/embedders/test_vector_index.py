from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from rookery_core.embedders import ensure_stored_models_indexed, ensure_vector_index
from rookery_core.embedders.vector_index import GRAPH_BYTES
from rookery_core.errors import InvalidInput

if TYPE_CHECKING:
    import asyncpg

TABLE = "create table public.thing (id int primary key, embedding_model text, embedding halfvec)"


@pytest.fixture
async def things(owner_connection: asyncpg.Connection[Any]) -> asyncpg.Connection[Any]:
    from rookery_core.database import codecs

    await codecs.register(owner_connection)
    await owner_connection.execute(TABLE)
    numbers = np.random.default_rng(1)
    for number in range(60):
        model, size = ("small it's", 8) if number % 2 else ("large", 16)
        await owner_connection.execute(
            "insert into thing values ($1, $2, $3)", number, model, numbers.random(size, dtype=np.float32)
        )
    return owner_connection


async def test_every_model_gets_its_index_once(things: asyncpg.Connection[Any]) -> None:
    made = await ensure_stored_models_indexed(things, "public.thing", "embedding")
    assert len(made) == 2
    assert await ensure_stored_models_indexed(things, "public.thing", "embedding") == []
    assert await ensure_vector_index(things, "public.thing", "embedding", "large", 16) is None


async def test_a_query_of_the_model_uses_its_index(things: asyncpg.Connection[Any]) -> None:
    await ensure_stored_models_indexed(things, "public.thing", "embedding")
    await things.execute("set enable_seqscan = off")
    plan = await things.fetch(
        "explain select id from thing where embedding_model = 'large' "
        "order by embedding::halfvec(16) <=> $1::halfvec(16) limit 5",
        np.ones(16, dtype=np.float32),
    )
    assert any("Index Scan using thing_embedding_" in row[0] for row in plan)


async def test_an_index_left_unfinished_is_made_anew(things: asyncpg.Connection[Any]) -> None:
    name = await ensure_vector_index(things, "public.thing", "embedding", "large", 16)
    await things.execute(
        "update pg_index set indisvalid = false where indexrelid = to_regclass($1)", f"public.{name}"
    )
    assert await ensure_vector_index(things, "public.thing", "embedding", "large", 16) == name


async def test_what_cannot_be_indexed_is_left(things: asyncpg.Connection[Any]) -> None:
    assert await ensure_vector_index(things, "public.thing", "embedding", "huge", 5000) is None
    with pytest.raises(InvalidInput):
        await ensure_vector_index(things, "thing; drop table thing", "embedding", "x", 8)


async def test_a_large_graph_is_built_in_memory(things: asyncpg.Connection[Any]) -> None:
    await things.execute("update pg_class set reltuples = 400000 where oid = 'public.thing'::regclass")
    await things.execute("""
        create function tell() returns event_trigger language plpgsql as $$
        begin raise notice '%', pg_size_bytes(current_setting('maintenance_work_mem')); end $$;
        create event trigger tell on ddl_command_start when tag in ('CREATE INDEX') execute function tell();
    """)
    before = await things.fetchval("show maintenance_work_mem")
    told: list[int] = []
    things.add_log_listener(lambda _, message: told.append(int(message.message)))
    await ensure_vector_index(things, "public.thing", "embedding", "large", 16)
    assert told == [400_000 * (2 * 16 + GRAPH_BYTES)]
    assert await things.fetchval("show maintenance_work_mem") == before
