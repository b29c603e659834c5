"""Schemas of tools as servers write them, made into what every provider takes: one bad tool would fail each request."""

from __future__ import annotations

from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rookery_core.mcp.schemas import portable_schema

TEXT = {"type": "string"}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ({}, {"type": "object", "properties": {}}),
        ({"type": "object"}, {"type": "object", "properties": {}}),
        ({"properties": {"a": TEXT}, "required": ["a"]}, {"type": "object", "properties": {"a": TEXT}, "required": ["a"]}),
        ({"type": ["object", "null"], "properties": {"a": TEXT}}, {"type": "object", "properties": {"a": TEXT}}),
        ({"type": "object", "properties": {"a": {"type": "array"}}}, {"type": "object", "properties": {"a": {"type": "array", "items": {}}}}),
        (
            {"$ref": "#/$defs/In", "$defs": {"In": {"type": "object", "properties": {"a": {"$ref": "#/$defs/T"}}}, "T": TEXT}},
            {"type": "object", "properties": {"a": {"$ref": "#/$defs/T"}}, "$defs": {"In": {"type": "object", "properties": {"a": {"$ref": "#/$defs/T"}}}, "T": TEXT}},
        ),
        (
            {"type": "object", "properties": {"a": TEXT, "b": TEXT, "c": TEXT}, "required": ["c"], "anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
            {"type": "object", "properties": {"a": TEXT, "b": TEXT, "c": TEXT}, "required": ["c"], "description": "Give a or b."},
        ),
        (
            {"oneOf": [{"type": "object", "properties": {"a": TEXT, "k": TEXT}, "required": ["a", "k"]}, {"properties": {"b": TEXT, "k": TEXT}, "required": ["b", "k"]}]},
            {"type": "object", "properties": {"a": TEXT, "k": TEXT, "b": TEXT}, "required": ["k"], "description": "Give a, k or b, k."},
        ),
        (
            {"allOf": [{"properties": {"a": TEXT}, "required": ["a"]}, {"properties": {"b": TEXT}, "required": ["b"]}]},
            {"type": "object", "properties": {"a": TEXT, "b": TEXT}, "required": ["a", "b"]},
        ),
        ({"type": "object", "properties": {"a": TEXT, "na me": TEXT}, "required": ["a"]}, {"type": "object", "properties": {"a": TEXT}, "required": ["a"]}),
    ],
)  # fmt: skip
def test_what_providers_take(written: dict[str, Any], read: dict[str, Any]) -> None:
    assert portable_schema(written) == read


def test_a_tool_that_cannot_be_called_at_all() -> None:
    assert portable_schema({"type": "object", "properties": {"na me": TEXT}, "required": ["na me"]}) is None


schemas: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from([TEXT, {"type": "array"}, {"$ref": "#/$defs/X"}, {"$ref": "#"}, {}, True]),
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(["object", "array", ["object", "null"]]),
            "properties": st.dictionaries(st.sampled_from(["a", "b", "$c", "d e"]), inner, max_size=3),
            "required": st.lists(st.sampled_from(["a", "b", "d e"]), max_size=2),
            "anyOf": st.lists(inner, max_size=2),
            "oneOf": st.lists(inner, max_size=2),
            "allOf": st.lists(inner, max_size=2),
            "items": inner,
            "not": inner,
            "enum": st.just([1]),
            "$defs": st.fixed_dictionaries({"X": inner}),
            "$ref": st.sampled_from(["#/$defs/X", "#", "https://elsewhere.test/x"]),
        },
    ),
    max_leaves=8,
)


@given(schemas)
def test_any_schema_becomes_one_that_is_taken_or_none(written: Any) -> None:
    if not isinstance(written, dict):
        return
    read = portable_schema(cast(dict[str, Any], written))
    if read is None:
        return
    assert read["type"] == "object"
    assert not read.keys() & {"anyOf", "oneOf", "allOf", "not", "enum", "$ref"}
    assert set(read.get("required", [])) <= set(read["properties"])
