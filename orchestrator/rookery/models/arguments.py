"""Tool calls, as a model wrote them."""

from __future__ import annotations

import dataclasses
import json
import re
import secrets
from collections.abc import Sequence
from typing import Any, cast

from rookery.models.protocol import Block, ToolUse
from rookery_core.text import encodable

_NOT_PLAIN = re.compile(r"[^A-Za-z0-9_-]")
_CUT = "the call was cut off by the limit of output; write less"


def tool_use(id: str, name: str, written: str) -> ToolUse:
    """A ToolUse of JSON text. What cannot be read becomes its `problem`, for the model to correct.

    Ids and names keep only characters that every provider takes back: the next model of a chain may be another's.
    An id that is missing is made up, and differs from all others of the conversation.
    """
    id = _NOT_PLAIN.sub("_", id) or f"call_{secrets.token_hex(8)}"
    name = _NOT_PLAIN.sub("_", name)[:64] or "unnamed"
    try:
        value: Any = json.loads(written) if written.strip() else {}
        if "\\ud" in written.lower():
            value = json.loads(encodable(json.dumps(value, ensure_ascii=False)))
    except ValueError as error:
        return ToolUse(id, name, {}, problem=f"not JSON ({error})")
    if not isinstance(value, dict):
        return ToolUse(id, name, {}, problem=f"a JSON {type(value).__name__} instead of an object")
    return ToolUse(id, name, cast(dict[str, Any], value))


def cut_off(blocks: Sequence[Block]) -> tuple[Block, ...]:
    """The blocks of a reply that the limit of output ended: a last call without arguments is none to be made."""
    last = blocks[-1] if blocks else None
    if not isinstance(last, ToolUse) or last.arguments:
        return tuple(blocks)
    return (*blocks[:-1], dataclasses.replace(last, problem=_CUT))
