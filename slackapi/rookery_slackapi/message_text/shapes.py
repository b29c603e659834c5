"""Values of Slack's JSON as the type that is expected of them; of any other type, the empty value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

Json = Mapping[str, Any]
MAX_DEPTH = 100
"""Levels of JSON that are searched for references, which is more than is ever rendered."""
MAX_RENDERED_DEPTH = 10
"""Levels of blocks of an unknown kind, and of lists, that are rendered."""
MAX_INNER_ATTACHMENTS = 3
"""Levels of forwarded messages within forwarded messages that are rendered."""


def string(value: object) -> str:
    """A text, or a number as text."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def integer(value: object, largest: int) -> int:
    """A number between 0 and `largest`."""
    return min(max(value, 0), largest) if isinstance(value, int) else 0


def mapping(value: object) -> Json:
    """An object."""
    return cast(Json, value) if isinstance(value, Mapping) else {}


def mappings(value: object) -> list[Json]:
    """The objects of a list."""
    items = cast("list[object]", value) if isinstance(value, list) else []
    return [cast(Json, item) for item in items if isinstance(item, Mapping)]
