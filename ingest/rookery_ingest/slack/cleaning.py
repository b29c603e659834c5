"""Makes what Slack sends fit for PostgreSQL, and leaves out what says nothing."""

from __future__ import annotations

import math
import re
from typing import Any, cast

MAX_LEVELS = 100
"""Levels of nested JSON that are kept."""
MAX_ID_CHARACTERS = 100
MAX_NAME_CHARACTERS = 500
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def is_storable(text: str) -> bool:
    """Whether PostgreSQL can hold the text as it is: no NUL, no half of a surrogate pair."""
    return _UNSTORABLE.search(text) is None


def storable(text: str) -> str:
    """The text with what cannot be stored replaced by U+FFFD."""
    return _UNSTORABLE.sub("\ufffd", text)


def compact(value: Any, without: frozenset[str] = frozenset(), depth: int = 0) -> Any:
    """The value without empty parts (null, "", [], {}, false) and without the keys named; strings made storable.

    What JSON has no word for (NaN, infinity) and what is nested deeper than MAX_LEVELS is left out.
    """
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict | list) and depth >= MAX_LEVELS:
        return None
    if isinstance(value, dict):
        pairs = cast("dict[str, Any]", value).items()
        inner = {
            storable(key): compact(part, without, depth + 1) for key, part in pairs if key not in without
        }
        return {key: part for key, part in inner.items() if not _is_empty(part)}
    if isinstance(value, list):
        parts = [compact(part, without, depth + 1) for part in cast("list[Any]", value)]
        return [part for part in parts if not _is_empty(part)]
    return value


def _is_empty(value: Any) -> bool:
    return value is None or value is False or value == "" or value == [] or value == {}


def text_of(value: object) -> str | None:
    """A string made storable, or None for anything else and for nothing."""
    return storable(value) or None if isinstance(value, str) else None


def id_of(value: object) -> str | None:
    """The id of something in Slack, or the name of an emoji; None for anything that is longer than such are."""
    text = text_of(value)
    return text if text is not None and len(text) <= MAX_ID_CHARACTERS else None


def name_of(value: object) -> str | None:
    """A name, cut where it is longer than any that Slack allows."""
    text = text_of(value)
    return text and text[:MAX_NAME_CHARACTERS]
