"""One `halfvec` column holds the vectors of every model; each model that is in use has its own HNSW index."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, LiteralString, cast

from rookery_core.available_memory import memory, shared_memory
from rookery_core.errors import InvalidInput

if TYPE_CHECKING:
    from rookery_core.database.connection import Connection

MAX_INDEXED_DIMENSIONS = 4000
"""pgvector indexes halfvec columns up to this size; longer vectors are ranked exactly."""

_NAME = re.compile(r"[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?")

STATE: LiteralString = """
select index.indisvalid as valid, pg_get_expr(index.indpred, index.indrelid) as predicate
from pg_index as index
where index.indexrelid = to_regclass($1)
"""

GRAPH_BYTES = 800
"""What pgvector keeps in memory of a row besides its vector while it builds an index: above all its neighbours."""

EXPECTED: LiteralString = """
select greatest(reltuples, 0)::bigint as rows, pg_size_bytes(current_setting('maintenance_work_mem')) as granted,
       inet_server_addr() is null as here
from pg_class where oid = to_regclass($1)
"""

STORED_MODELS: LiteralString = """
with recursive model(name) as (
    (select {model_column} from {table} where {column} is not null order by {model_column} limit 1)
    union all
    select (select next.{model_column} from {table} as next
            where next.{column} is not null and next.{model_column} > model.name
            order by next.{model_column} limit 1)
    from model
    where model.name is not null
)
select model.name,
       (select vector_dims(stored.{column}) from {table} as stored
        where stored.{model_column} = model.name and stored.{column} is not null limit 1) as dimensions
from model
where model.name is not null
"""


async def ensure_vector_index(
    conn: Connection,
    table: str,
    column: str,
    model: str,
    dimensions: int,
    predicate: str = "",
    *,
    model_column: str = "embedding_model",
) -> str | None:
    """Make the HNSW index (cosine) of one model's vectors, unless it is there; an unfinished one is made again.

    The index is on `(column::halfvec(dimensions)) halfvec_cosine_ops` where `model_column` is the model: a search
    must write both the cast and the condition, with the model as a constant of the plan. `predicate` is SQL of the
    program (never of a user) that narrows the index further. Built concurrently: run it as the owner, outside of a
    transaction. Returns the name of the index when it was made now, else None; None as well when the vectors are
    longer than pgvector can index.
    """
    _check_names(table, column, model_column)
    if not 0 < dimensions <= MAX_INDEXED_DIMENSIONS:
        return None
    schema, name = _index_name(table, column, model, dimensions, predicate)
    existing = await conn.fetchrow(STATE, f"{schema}{name}")
    if existing is not None and existing["valid"]:
        return None
    if existing is not None:
        await conn.execute(f"drop index concurrently if exists {schema}{name}")
    literal = await conn.fetchval("select quote_literal($1::text)", model)
    narrowed = f" and ({predicate})" if predicate else ""
    async with _room_to_build(conn, table, dimensions):
        await conn.execute(
            f"create index concurrently if not exists {name} on {table} "
            f"using hnsw (({column}::halfvec({dimensions})) halfvec_cosine_ops) "
            f"where {model_column} = {literal}{narrowed}"
        )
    return name


async def ensure_stored_models_indexed(
    conn: Connection, table: str, column: str, predicate: str = "", *, model_column: str = "embedding_model"
) -> list[str]:
    """Make the index of every model that has vectors in the table; returns the names of those made now.

    What an `adapt` calls: it needs no embedder, the rows say which models are in use.
    """
    _check_names(table, column, model_column)
    statement = STORED_MODELS.format(table=table, column=column, model_column=model_column)
    stored = await conn.fetch(cast(LiteralString, statement))
    made = [
        await ensure_vector_index(
            conn, table, column, row["name"], row["dimensions"], predicate, model_column=model_column
        )
        for row in stored
    ]
    return [name for name in made if name]


@asynccontextmanager
async def _room_to_build(conn: Connection, table: str, dimensions: int) -> AsyncGenerator[None]:
    """Let the whole graph stand in memory while it is built, and every processor help, on a server of this machine.

    A graph that outgrows maintenance_work_mem is built tens of times slower from there on. A server elsewhere keeps what its
    administrator granted: nothing here knows how much it has.
    """
    expected = await conn.fetchrow(EXPECTED, table)
    if expected is None or not expected["here"]:
        yield
        return
    wanted = expected["rows"] * (2 * dimensions + GRAPH_BYTES)
    granted = max(expected["granted"], min(wanted, memory() // 4))
    helpers = max((os.cpu_count() or 1) - 1, 1) if granted < shared_memory() else 0
    settings = {
        "maintenance_work_mem": f"{granted >> 10}kB",
        "max_parallel_maintenance_workers": str(helpers),
    }
    for name, value in settings.items():
        await conn.execute("select set_config($1, $2, false)", name, value)
    try:
        yield
    finally:
        for name in settings:
            await conn.execute(f"reset {name}")


def _check_names(*names: str) -> None:
    for name in names:
        if not _NAME.fullmatch(name):
            raise InvalidInput(f"{name!r} is not a name of a table or column.")


def _index_name(table: str, column: str, model: str, dimensions: int, predicate: str) -> tuple[str, str]:
    schema, _, bare = table.rpartition(".")
    digest = hashlib.sha256(f"{model} {dimensions} {predicate}".encode()).hexdigest()[:10]
    return (f"{schema}." if schema else ""), f"{bare[:24]}_{column[:16]}_{digest}"
