"""Arguments of a tool call, as a model wrote them."""

from __future__ import annotations

import json
from typing import Any, cast

from rookery.models.protocol import ToolUse


def tool_use(id: str, name: str, written: str) -> ToolUse:
    """A ToolUse of JSON text. What cannot be read becomes its `problem`, for the model to correct."""
    try:
        value: Any = json.loads(written) if written.strip() else {}
    except ValueError as error:
        return ToolUse(id, name, {}, problem=f"not JSON ({error})")
    if not isinstance(value, dict):
        return ToolUse(id, name, {}, problem=f"a JSON {type(value).__name__} instead of an object")
    return ToolUse(id, name, cast(dict[str, Any], value))
