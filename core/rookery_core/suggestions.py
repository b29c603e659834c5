"""Did you mean: the names that are nearest to one that does not exist."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

MAX_SUGGESTIONS = 3
_SIMILARITY = 0.6


def suggest(
    name: str, names: Iterable[str], *, count: int = MAX_SUGGESTIONS, otherwise: bool = False
) -> list[str]:
    """Up to `count` of the names that are spelt much like `name`, nearest first; case does not count.

    otherwise: when none is, the first of the names, so that a short list is shown instead of nothing.
    """
    distinct = list(dict.fromkeys(names))
    by_lower: dict[str, str] = {}
    for candidate in distinct:
        by_lower.setdefault(candidate.lower(), candidate)
    near = [by_lower[match] for match in get_close_matches(name.lower(), by_lower, count, _SIMILARITY)]
    return near or (distinct[:count] if otherwise else [])
