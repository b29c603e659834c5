"""One `halfvec` column holds the vectors of every model; each model that is in use has its own HNSW index."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, LiteralString, cast

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
    """Make the HNSW index (cosine) of one model's vectors, unless it is there; an unfinished one is made anew.

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


def _check_names(*names: str) -> None:
    for name in names:
        if not _NAME.fullmatch(name):
            raise InvalidInput(f"{name!r} is not a name of a table or column.")


def _index_name(table: str, column: str, model: str, dimensions: int, predicate: str) -> tuple[str, str]:
    schema, _, bare = table.rpartition(".")
    digest = hashlib.sha256(f"{model} {dimensions} {predicate}".encode()).hexdigest()[:10]
    return (f"{schema}." if schema else ""), f"{bare[:24]}_{column[:16]}_{digest}"
