from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rookery_core import sql

names = st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True)
statements = st.from_regex(r"select [a-z0-9 ,.=$()]{1,40}x(\n  from [a-z]{1,9})?", fullmatch=True)


def test_statements_come_by_name_with_their_description() -> None:
    text = "-- name: one\n-- counts\nselect 1;\n\n-- name: two\nselect 2\n  -- why\n  from t;\n"
    assert sql.parse(text) == {"one": "-- counts\nselect 1", "two": "select 2\n  -- why\n  from t"}


@given(st.dictionaries(names, statements, max_size=8))
def test_what_is_written_is_read_back(expected: dict[str, str]) -> None:
    text = "".join(f"-- name: {name}\n{statement};\n\n" for name, statement in expected.items())
    assert sql.parse(text) == expected


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("-- name: a\nselect 1;\n-- name: a\nselect 2;", "'a' is given twice"),
        ("-- name: a\n-- only words\n", "'a' is empty"),
        ("-- name: a\n;\n", "'a' is empty"),
        ("-- name: a\n-- name: b\nselect 1", "'a' is empty"),
        ("-- name: Not-A-Name\nselect 1", "'Not-A-Name' is not a name"),
        ("-- name:\nselect 1", "'' is not a name"),
        ("select 1;\n-- name: a\nselect 2;", "before the first"),
    ],
)
def test_a_badly_written_file_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(sql.SqlFileError, match=complaint):
        sql.parse(text, "some/queries.sql")


def test_a_file_is_found_in_its_package() -> None:
    assert "take_role" in sql.load("rookery_core.database", "session.sql")


def test_the_loaded_statements_can_not_be_spoilt_for_others() -> None:
    first = sql.load("rookery_core.database", "session.sql")
    first.clear()
    assert sql.load("rookery_core.database", "session.sql")


def test_a_missing_file_says_so() -> None:
    with pytest.raises(FileNotFoundError):
        sql.load("rookery_core.database", "no_such.sql")
