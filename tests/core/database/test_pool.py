from __future__ import annotations

from typing import TYPE_CHECKING

from rookery_core.identity import Caller

if TYPE_CHECKING:
    from conftest import OpenDatabase


async def test_a_transaction_knows_its_caller(open_database: OpenDatabase) -> None:
    database = await open_database("rookery_slack")
    async with database.transaction(Caller(user="U1", kind="member")) as connection:
        row = await connection.fetchrow(
            "select current_user::text as role, current_setting('rookery.user') as who"
        )
    assert row is not None
    assert (row["role"], row["who"]) == ("rookery_slack", "U1")
