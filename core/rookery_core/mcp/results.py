"""The result of a tool, as text for a model and as values for the program."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from rookery_core.text import without_controls

if TYPE_CHECKING:
    from mcp_types import CallToolResult


@dataclass(frozen=True, slots=True)
class ToolAnswer:
    """text: what a language model reads. structured: the same as values, or None when it is not JSON."""

    text: str
    structured: Any
    is_error: bool

    @property
    def values(self) -> dict[str, Any]:
        """The answer as named values; empty when it is not an object."""
        structured: Any = self.structured
        return cast(dict[str, Any], structured) if isinstance(structured, dict) else {}

    @property
    def problem(self) -> str:
        """The tool's error in one line, for traces and people; empty without an error."""
        if not self.is_error:
            return ""
        message = str(self.values.get("message", self.text))
        return without_controls(" ".join(message.split()))[:300]


def read_result(result: CallToolResult) -> ToolAnswer:
    """The answer of a tool. Blocks that are not text are named, not dropped silently."""
    texts = [_text_of(block) for block in result.content]
    structured = _unwrapped(result.structured_content)
    text = "\n".join(text for text in texts if text)
    if not text and structured is not None:
        text = json.dumps(structured, ensure_ascii=False, separators=(",", ":"))
    if structured is None:
        structured = _parsed(text)
    return ToolAnswer(text or "(empty result)", structured, bool(result.is_error))


def _text_of(block: Any) -> str:
    if (text := getattr(block, "text", None)) is not None:
        return str(text)
    resource = getattr(block, "resource", None)
    if (text := getattr(resource, "text", None)) is not None:
        return str(text)
    if (uri := getattr(block, "uri", None) or getattr(resource, "uri", None)) is not None:
        about = (getattr(block, name, None) for name in ("title", "name", "description"))
        return f"[resource {uri}{''.join(f', {detail}' for detail in about if detail)}]"
    return f"[{getattr(block, 'type', 'content')} left out: only text can be read here]"


def _unwrapped(structured: Any) -> Any:
    """Values that are not objects are wrapped in an object with the single key `result`."""
    wrapped = isinstance(structured, dict) and list(cast(dict[str, Any], structured)) == ["result"]
    return cast(dict[str, Any], structured)["result"] if wrapped else cast(Any, structured)


def _parsed(text: str) -> Any:
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.loads(text)
    except ValueError:
        return None
