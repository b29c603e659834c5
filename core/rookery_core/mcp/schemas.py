"""The schema of a tool's arguments in the form that every model provider accepts.

Providers reject a whole request for one tool whose schema is not a plain object: combined at its top, without type
or properties, or with argument names outside their alphabet. Servers publish such schemas.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

Schema = dict[str, Any]
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_REFUSED = frozenset(
    {"anyOf", "oneOf", "allOf", "not", "enum", "const", "if", "then", "else", "$ref", "dependentSchemas"}
)
_MAX_DEPTH = 8


def portable_schema(schema: Mapping[str, Any]) -> Schema | None:
    """`schema` as one plain object; None when an argument that it requires cannot be named."""
    merged = _merged(dict(schema), schema, _MAX_DEPTH)
    properties = _table(merged.get("properties"))
    nameable = {name: _with_items(part) for name, part in properties.items() if _NAME.fullmatch(name)}
    required = [name for name in _names(merged.get("required")) if name in properties]
    if any(name not in nameable for name in required):
        return None
    plain = {name: part for name, part in merged.items() if name not in _REFUSED}
    plain |= {"type": "object", "properties": nameable}
    plain.pop("required", None)
    return {**plain, "required": required} if required else plain


def _merged(schema: Schema, root: Mapping[str, Any], depth: int) -> Schema:
    """One object that merges a schema with its combined parts, with the properties of all."""
    if depth == 0:
        return schema
    whole = _parts(schema, ("allOf",), root, depth)
    if isinstance(schema.get("$ref"), str):
        whole.insert(0, _merged(_referred(schema["$ref"], root), root, depth - 1))
    either = _parts(schema, ("anyOf", "oneOf"), root, depth)
    merged = {key: value for part in whole for key, value in part.items()} | schema
    merged["properties"] = {
        name: part
        for part_of in (schema, *whole, *either)
        for name, part in _table(part_of.get("properties")).items()
    }
    required = [name for part in (schema, *whole) for name in _names(part.get("required"))]
    sets = [_names(part.get("required")) for part in either]
    required += [name for name in (sets[0] if sets else ()) if all(name in names for names in sets)]
    merged["required"] = list(dict.fromkeys(required))
    choices = list(dict.fromkeys(", ".join(names) for names in sets if names))
    if len(choices) > 1:
        merged["description"] = f"{schema.get('description', '')} Give {' or '.join(choices)}.".strip()
    return merged


def _parts(schema: Schema, keys: Sequence[str], root: Mapping[str, Any], depth: int) -> list[Schema]:
    return [
        _merged(cast(Schema, part), root, depth - 1)
        for key in keys
        for part in _list(schema.get(key))
        if isinstance(part, dict)
    ]


def _referred(reference: str, root: Mapping[str, Any]) -> Schema:
    """The target of a reference within the document; empty for any other reference."""
    target: Any = root if reference.startswith("#") else {}
    for step in reference.lstrip("#").strip("/").split("/"):
        if step:
            target = _table(target).get(step)
    return dict(_table(target))


def _with_items(schema: Any) -> Any:
    """Providers require `items` of an array, even an empty one."""
    if not isinstance(schema, dict):
        return schema
    completed = {name: _with_items(part) for name, part in cast(Schema, schema).items()}
    if completed.get("type") == "array":
        completed.setdefault("items", {})
    return completed


def _table(value: Any) -> Mapping[str, Any]:
    return cast(Mapping[str, Any], value) if isinstance(value, Mapping) else {}


def _list(value: Any) -> Sequence[Any]:
    return cast(list[Any], value) if isinstance(value, list) else ()


def _names(value: Any) -> list[str]:
    return [name for name in _list(value) if isinstance(name, str)]
