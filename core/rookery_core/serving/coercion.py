"""Arguments as careless clients send them, brought into the form that a tool's input schema asks for.

Several clients send a list or an object as its JSON text, one text where a list is asked for, a number where a text
is, and null for what is left out. What cannot be meant otherwise is taken; the rest is left to the validation.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

from rookery_core.serving.schemas import Schema, accepted_types, item_schema

_NUMBERS = {"integer", "number"}


def coerce_arguments(parameters: Schema, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments, each in a form that `parameters` (the input schema of a tool) accepts where there is one."""
    properties: dict[str, Schema] = parameters.get("properties", {})
    definitions: dict[str, Schema] = parameters.get("$defs", {})
    coerced: dict[str, Any] = {}
    for name, value in arguments.items():
        if name not in properties:
            coerced[name] = value
            continue
        types = accepted_types(properties[name], definitions)
        if _is_absent(value, types, optional=name not in parameters.get("required", ())):
            continue  # not given; validation names it if it is required
        value = _coerce(value, types)
        if isinstance(value, list):
            items = accepted_types(item_schema(properties[name], definitions), definitions)
            value = [_coerce(item, items) for item in cast("list[Any]", value)]
        coerced[name] = value
    return coerced


def _is_absent(value: Any, types: set[str], *, optional: bool) -> bool:
    """Whether a value means that the argument is not given: null, or its text where no text is accepted."""
    if not types or "null" in types:
        return False
    if isinstance(value, str) and optional and "string" not in types:
        return value.strip().lower() in ("null", "none")
    return value is None


def _coerce(value: Any, types: set[str]) -> Any:
    if isinstance(value, str):
        return _coerce_text(value, types)
    if _is_number(value):
        if "string" in types and not types & _NUMBERS:
            return str(value)
        if "array" in types and not types & _NUMBERS:
            return [str(value)]
    if isinstance(value, dict) and "array" in types and "object" not in types:
        return [cast("dict[str, Any]", value)]
    return cast("Any", value)


def _coerce_text(text: str, types: set[str]) -> Any:
    if "string" in types or not types:
        return text
    stripped = text.strip()
    if "null" in types and stripped.lower() in ("", "null", "none"):
        return None
    if types & {"array", "object"} and stripped[:1] in ("[", "{"):
        value = _json(stripped)
        if isinstance(value, list) and "array" in types:
            return cast("list[Any]", value)
        if isinstance(value, dict) and "object" in types:
            return cast("dict[str, Any]", value)
        if isinstance(value, dict):
            return [cast("dict[str, Any]", value)]
    if "array" in types:
        return [text] if stripped else []
    return text


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
