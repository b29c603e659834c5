"""The tools of a server as OpenAPI 3.1 describes them, and arguments out of a query by the same schemas."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, cast

from rookery_core.serving.schemas import LOCAL, Schema, accepted_types

if TYPE_CHECKING:
    from fastmcp.tools import Tool

_SHARED = "#/components/schemas/"
_ERROR: Schema = {
    "type": "object",
    "properties": {
        "code": {"type": "string"},
        "message": {"type": "string"},
        "hint": {"type": "string", "description": "What to do next."},
        "candidates": {"type": "array", "items": {"type": "string"}},
        "retry_after_s": {"type": "number"},
        "trace_id": {"type": "string"},
    },
    "required": ["code", "message"],
}
_FAILURES = {
    "400": "The arguments are not acceptable.",
    "403": "The caller may not do that.",
    "404": "Nothing by that name exists, or the caller may not see it.",
    "409": "The state has changed since it was read.",
    "429": "A limit is used up; Retry-After says for how long.",
    "500": "The call failed unexpectedly.",
    "503": "Something needed is not reachable just now; Retry-After says when to call again.",
}


def only_reads(tool: Tool) -> bool:
    """Whether the tool says that it changes nothing."""
    return bool(tool.annotations and tool.annotations.read_only_hint)


def listed(tool: Tool) -> Schema:
    """A tool in the index: what it is called, what it takes and answers, and how it may be called."""
    return {
        "name": tool.name,
        "methods": ["GET", "POST"] if only_reads(tool) else ["POST"],
        "description": tool.description,
        "input_schema": tool.parameters,
        "output_schema": tool.output_schema,
    }


def document(about: Schema, tools: Iterable[Tool], *, guarded: bool) -> Schema:
    """The OpenAPI description. about: title, version and description. guarded: whether callers need a token."""
    shared: dict[str, Schema] = {"Error": _ERROR}
    paths = {f"/api/{tool.name}": _operations(tool, shared, guarded=guarded) for tool in tools}
    components: Schema = {"schemas": shared}
    described: Schema = {
        "openapi": "3.1.0",
        "info": about,
        "paths": paths,
        "components": components,
    }
    if guarded:
        components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        described["security"] = [{"token": []}]
    return described


def _operations(tool: Tool, shared: dict[str, Schema], *, guarded: bool) -> Schema:
    takes = _lifted(tool.parameters, tool.name, shared)
    answers = _lifted(tool.output_schema or {"type": "object"}, tool.name, shared)
    about: Schema = {
        "summary": (tool.description or tool.name).split("\n", 1)[0],
        "description": tool.description or "",
        "responses": _responses(answers, guarded=guarded),
    }
    body = {"required": bool(takes.get("required")), "content": {"application/json": {"schema": takes}}}
    operations: Schema = {"post": {"operationId": tool.name, **about, "requestBody": body}}
    if only_reads(tool):
        operations["get"] = {"operationId": f"{tool.name}_get", **about, "parameters": _parameters(takes)}
    return operations


def _responses(answers: Schema, *, guarded: bool) -> Schema:
    failures = {"401": "No valid token came with the request.", **_FAILURES} if guarded else _FAILURES
    problem = {"application/json": {"schema": {"$ref": f"{_SHARED}Error"}}}
    return {"200": {"description": "The answer.", "content": {"application/json": {"schema": answers}}}} | {
        status: {"description": meaning, "content": problem} for status, meaning in failures.items()
    }


def _parameters(takes: Schema) -> list[Schema]:
    required = takes.get("required", ())
    return [
        {
            "name": name,
            "in": "query",
            "required": name in required,
            "description": schema.get("description", ""),
            "schema": schema,
        }
        for name, schema in takes.get("properties", {}).items()
    ]


def _lifted(schema: Schema, owner: str, shared: dict[str, Schema]) -> Schema:
    """`schema` with its own definitions moved to those that the document shares, under the owner's name."""
    for name, definition in schema.get("$defs", {}).items():
        shared[f"{owner}.{name}"] = _pointing(definition, owner)
    return _pointing({key: value for key, value in schema.items() if key != "$defs"}, owner)


def _pointing(value: Any, owner: str) -> Any:
    if isinstance(value, dict):
        entries = cast("Schema", value).items()
        return {
            key: f"{_SHARED}{owner}.{each.removeprefix(LOCAL)}"
            if key == "$ref" and isinstance(each, str)
            else _pointing(each, owner)
            for key, each in entries
        }
    if isinstance(value, list):
        return [_pointing(each, owner) for each in cast("list[Any]", value)]
    return value


def arguments_of_query(tool: Tool, items: Sequence[tuple[str, str]]) -> Schema:
    """Arguments out of a query. A name given more than once, or of a list, is a list; objects are JSON.

    Numbers and truth values stay text here: the tool's own validation reads them.
    """
    given: dict[str, list[str]] = {}
    for name, value in items:
        given.setdefault(name, []).append(value)
    properties = tool.parameters.get("properties", {})
    return {
        name: _value(values, accepted_types(properties.get(name, {}), tool.parameters.get("$defs", {})))
        for name, values in given.items()
    }


def _value(values: list[str], types: set[str]) -> Any:
    if "array" in types and (len(values) > 1 or "string" not in types):
        return values
    if len(values) > 1:
        return values  # the validation says that one value is wanted
    if types <= {"object", "null"} and types:
        return _json(values[0])
    return values[0]


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
