from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import asyncpg
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rookery_core.database import vector_array

if TYPE_CHECKING:
    from conftest import OpenDatabase

text = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
documents = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e9, 1e9) | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=12,
)


async def test_json_comes_back_as_it_went(open_database: OpenDatabase) -> None:
    database = await open_database("rookery_slack", max_connections=1)
    loop = asyncio.get_running_loop()

    async def there_and_back(value: Any) -> Any:
        async with database.acquire() as connection:
            return await connection.fetchval("select $1::jsonb", value)

    @settings(max_examples=30, deadline=None)
    @given(documents)
    def comes_back(value: Any) -> None:
        assert asyncio.run_coroutine_threadsafe(there_and_back(value), loop).result(60) == value

    await asyncio.to_thread(comes_back)


@pytest.mark.parametrize("kind", ["vector", "halfvec"])
async def test_vectors_are_arrays_of_float32(open_database: OpenDatabase, kind: str) -> None:
    database = await open_database("rookery_slack")
    sent = np.array([0.5, -2.0, 0.0, 1.25], dtype=np.float32)
    async with database.acquire() as connection:
        back = await connection.fetchval(f"select $1::{kind}", sent)
        of_list = await connection.fetchval(f"select $1::{kind}", [1, 2, 3])
        distance = await connection.fetchval(f"select $1::{kind} <=> $2::{kind}", sent, sent)
    assert back.dtype == np.float32
    np.testing.assert_array_equal(back, sent)
    np.testing.assert_array_equal(of_list, [1, 2, 3])
    assert distance == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("kind", ["vector", "halfvec"])
async def test_many_vectors_go_in_one_parameter(open_database: OpenDatabase, kind: str) -> None:
    database = await open_database("rookery_slack")
    sent = np.arange(6, dtype=np.float32).reshape(2, 3)
    statement = f"select v from unnest($1::{kind}[]) with ordinality as u (v, n) order by n"
    async with database.acquire() as connection:
        rows = await connection.fetch(statement, vector_array([*sent, None]))
    np.testing.assert_array_equal(np.stack([row["v"] for row in rows[:2]]), sent)
    assert rows[2]["v"] is None


async def test_a_matrix_is_no_vector(open_database: OpenDatabase) -> None:
    database = await open_database("rookery_slack")
    async with database.acquire() as connection:
        with pytest.raises(asyncpg.DataError, match="one dimension"):
            await connection.fetchval("select $1::vector", np.ones((2, 2)))
