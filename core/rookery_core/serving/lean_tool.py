"""A tool whose entry in tools/list holds only what a model needs: every client pays for the list in each request."""

from __future__ import annotations

from typing import Any, cast

from fastmcp.tools import FunctionTool, ToolResult
from mcp_types import Tool as ListedTool

from rookery_core.serving.coercion import coerce_arguments
from rookery_core.serving.schemas import Schema


class LeanTool(FunctionTool):
    """Listed with a title for people and without empty values. Takes arguments of careless clients."""

    def to_mcp_tool(self, **overrides: Any) -> ListedTool:
        title = self.title or self.name.replace("_", " ").capitalize()
        return super().to_mcp_tool(title=title, _meta=None, **overrides)

    async def run(self, arguments: dict[str, Any]) -> ToolResult:
        return await super().run(coerce_arguments(self.parameters, arguments))


def lean(tool: FunctionTool, *, brief_output: bool = False) -> FunctionTool:
    """`tool` as a LeanTool, with shorter schemas that accept the same and promise no more.

    brief_output: the items of lists in the answer are described by the names of their fields only.
    """
    fields = {name: getattr(tool, name) for name in type(tool).model_fields}
    output = tool.output_schema
    fields["parameters"] = _shorter_parameters(tool.parameters)
    if output:
        shorter = _without_required(output)
        fields["output_schema"] = _with_brief_items(shorter) if brief_output else shorter
    return LeanTool.model_validate(fields)


def _shorter_parameters(schema: Schema) -> Schema:
    """Leaves out empty defaults, null for what is optional (it is taken all the same), and that nothing else is accepted
    (a misspelt argument gets an error that suggests the right one)."""
    shorter = {key: value for key, value in schema.items() if key != "additionalProperties"}
    properties = {name: _shorter_parameter(one) for name, one in schema.get("properties", {}).items()}
    return shorter | {"properties": properties} if properties else shorter


def _shorter_parameter(schema: Schema) -> Schema:
    shorter = {key: value for key, value in schema.items() if key != "default" or value not in ("", [], None)}
    types: list[Schema] = schema.get("anyOf", [])
    others = [option for option in types if option != {"type": "null"}]
    if len(types) == 2 and len(others) == 1 and "default" in schema and schema["default"] is None:
        del shorter["anyOf"]
        shorter = others[0] | shorter
    return shorter


def _with_brief_items(schema: Schema) -> Schema:
    definitions: dict[str, Schema] = schema.get("$defs", {})
    properties = {name: _brief(one, definitions) for name, one in schema.get("properties", {}).items()}
    return {key: value for key, value in schema.items() if key != "$defs"} | {"properties": properties}


def _brief(schema: Schema, definitions: dict[str, Schema]) -> Schema:
    items: Schema = schema.get("items", {})
    item = definitions.get(str(items.get("$ref", "")).rpartition("/")[2], items)
    names = item.get("properties", {})
    return schema | {"items": {"type": "object", "description": ", ".join(names)}} if names else schema


def _without_required(schema: Schema) -> Schema:
    """Leaves out which fields of an answer are always there; the model sees that in the answer."""
    shorter: Schema = {}
    for key, value in schema.items():
        if key == "required":
            continue
        if key == "properties":
            shorter[key] = {name: _without_required(one) for name, one in value.items()}
        elif key in ("items", "additionalProperties") and isinstance(value, dict):
            shorter[key] = _without_required(cast(Schema, value))
        elif key == "$defs":
            shorter[key] = {name: _without_required(one) for name, one in value.items()}
        else:
            shorter[key] = value
    return shorter
