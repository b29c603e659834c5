"""What a JSON Schema of a tool says, read in one place."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]
LOCAL = "#/$defs/"


def accepted_types(schema: Schema, definitions: dict[str, Schema]) -> set[str]:
    """The names of the JSON types that a schema accepts; empty where it accepts any."""
    if "$ref" in schema:
        return accepted_types(definitions.get(str(schema["$ref"]).removeprefix(LOCAL), {}), definitions)
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return {name for option in schema[choice] for name in accepted_types(option, definitions)}
    if "enum" in schema and "type" not in schema:
        return {"string"}
    kind = schema.get("type", ())
    return {kind} if isinstance(kind, str) else set(kind)


def item_schema(schema: Schema, definitions: dict[str, Schema]) -> Schema:
    """The schema of the items of a list; empty where the schema accepts no list or says nothing of its items."""
    if "$ref" in schema:
        return item_schema(definitions.get(str(schema["$ref"]).removeprefix(LOCAL), {}), definitions)
    for choice in ("anyOf", "oneOf"):
        for option in schema.get(choice, ()):
            if items := item_schema(option, definitions):
                return items
    items = schema.get("items", {})
    return items if isinstance(items, dict) else {}  # pyright: ignore[reportUnknownVariableType] keys of a JSON object are strings
