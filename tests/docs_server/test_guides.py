"""The SQL of our guides runs as it stands, on a real server."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Any

import pytest

GIVEN = {
    "connection-pooling": "create role app",
    "hybrid-search": "create extension if not exists vector; create table passage (id bigint primary key, title text,"
    " body text, embedding halfvec(3))",
    "migrations-without-downtime": "create table item (id bigint primary key, price numeric, quantity integer, total numeric)",
}
"""What a guide takes for granted."""
LEFT_TO_THE_READER = (
    ("select …", "select 1"),
    ("from …", "from (select 1::bigint as id, length($1) as score) as found"),
)
NEEDS_TIMESCALEDB = {"hypertables"}

GUIDES = sorted(
    file.name.removesuffix(".md")
    for file in files("rookery_docs").joinpath("guides").iterdir()
    if file.name.endswith(".md")
)


def statements(guide: str) -> list[str]:
    text = files("rookery_docs").joinpath("guides", f"{guide}.md").read_text(encoding="utf-8")
    blocks = "\n".join(re.findall(r"^```sql\n(.*?)^```$", text, re.DOTALL | re.MULTILINE))
    for left, right in LEFT_TO_THE_READER:
        blocks = blocks.replace(left, right)
    return [part.strip() for part in re.split(r";[^\n]*(?:\n|$)", blocks) if part.strip()]


@pytest.mark.parametrize("guide", [guide for guide in GUIDES if guide not in NEEDS_TIMESCALEDB])
async def test_the_sql_of_a_guide_is_valid(guide: str, owner_connection: Any) -> None:
    transaction = owner_connection.transaction()
    await transaction.start()
    try:
        if guide in GIVEN:
            await owner_connection.execute(GIVEN[guide])
        for statement in statements(guide):
            if re.match(r"(?i)(?:select|with|update|insert|delete|explain)\b", statement):
                await owner_connection.prepare(
                    statement
                )  # it has parameters, or wants a preloaded library to run
            else:
                await owner_connection.execute(statement)
    finally:
        await transaction.rollback()


def test_most_guides_have_sql_to_run() -> None:
    assert sum(bool(statements(guide)) for guide in GUIDES) >= 7
