"""A value is put into JSON with comments, and everything else stays as it is written."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rookery_core import jsonc

WRITTEN = """\
{
    // what the person wrote
    "servers": {
        "other": {"command": "x"}, // stays beside it
        /* and this */
    },
    "inputs": [], // "}" in a comment
}
"""
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3)
)
objects = st.dictionaries(st.text(max_size=5), values, max_size=4)


def test_a_member_is_added_beside_comments_and_trailing_commas() -> None:
    after = jsonc.put(WRITTEN, ("servers", "ours"), {"command": "y"})
    assert jsonc.loads(after) == {
        "servers": {"other": {"command": "x"}, "ours": {"command": "y"}},
        "inputs": [],
    }
    for line in WRITTEN.splitlines():
        assert line in after.splitlines()
    assert '        "ours": {\n            "command": "y"\n        }\n' in after


def test_a_member_is_replaced_where_it_stands() -> None:
    after = jsonc.put(WRITTEN, ("servers", "other"), {"command": "z"})
    assert jsonc.loads(after)["servers"] == {"other": {"command": "z"}}
    assert "}, // stays beside it" in after


@given(objects, st.text(max_size=5), st.text(max_size=5), values, st.sampled_from([None, 2, "\t"]))
def test_whatever_is_there_stays(
    held: dict[str, Any], outer: str, name: str, value: Any, indent: int | str | None
) -> None:
    held = {**held, outer: {"kept": 1}}
    after = jsonc.loads(jsonc.put(json.dumps(held, indent=indent), (outer, name), value))
    assert after == {**held, outer: {"kept": 1, name: value}}


@pytest.mark.parametrize("text", ["{}", "{ }", "{\n}\n", "{ // nothing\n}", "\ufeff{}"])
def test_an_object_without_members_is_filled(text: str) -> None:
    after = jsonc.put(text, ("a", "b"), 1)
    assert jsonc.loads(after.removeprefix("\ufeff")) == {"a": {"b": 1}}


@pytest.mark.parametrize("text", ["[]", '{"a": [1]}', '{"a": 1', ""])
def test_what_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"object|Expecting|delimiter"):
        jsonc.put(text, ("a", "b"), 1)


def test_line_ends_of_the_file_are_used() -> None:
    after = jsonc.put('{\r\n  "a": 1\r\n}\r\n', ("b",), {"c": 2})
    assert after.count("\n") == after.count("\r\n") == 6
