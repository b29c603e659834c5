"""Makes what Slack sends fit for PostgreSQL, and leaves out what says nothing."""

from __future__ import annotations

import re
from typing import Any, cast

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def is_storable(text: str) -> bool:
    """Whether PostgreSQL can hold the text as it is: no NUL, no half of a surrogate pair."""
    return _UNSTORABLE.search(text) is None


def storable(text: str) -> str:
    """The text with what cannot be stored replaced by U+FFFD."""
    return _UNSTORABLE.sub("\ufffd", text)


def compact(value: Any, without: frozenset[str] = frozenset()) -> Any:
    """The value without empty parts (null, "", [], {}, false) and without the keys named; strings made storable."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        pairs = cast("dict[str, Any]", value).items()
        inner = {key: compact(part, without) for key, part in pairs if key not in without}
        return {key: part for key, part in inner.items() if not _is_empty(part)}
    if isinstance(value, list):
        parts = [compact(part, without) for part in cast("list[Any]", value)]
        return [part for part in parts if not _is_empty(part)]
    return value


def _is_empty(value: Any) -> bool:
    return value is None or value is False or value == "" or value == [] or value == {}


def text_of(value: object) -> str | None:
    """A string made storable, or None for anything else and for nothing."""
    return storable(value) or None if isinstance(value, str) else None
