"""Keeps names of speakers out of what is embedded: in a short text they would be most of its vector."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

ROLES = frozenset({"user", "assistant", "system", "human", "tool", "agent", "bot"})
_SHORTEST = 3


def without_names(text: str, names: Iterable[str], *, any_case: bool = False) -> str:
    """The text without these names and their parts; the text itself when nothing else is in it."""
    pattern = _pattern(frozenset(names), any_case)
    if pattern is None:
        return text
    stripped = pattern.sub(" ", text)
    return stripped if any(character.isalnum() for character in stripped) else text


@lru_cache(maxsize=512)
def _pattern(names: frozenset[str], any_case: bool) -> re.Pattern[str] | None:
    parts = {part for name in names for part in (name, *name.split()) if _is_name(part)}
    if not parts:
        return None
    longest_first = sorted(parts, key=lambda part: (-len(part), part))
    alternatives = "|".join(re.escape(part) for part in longest_first)
    return re.compile(rf"(?<!\w)(?:{alternatives})(?:['’]s)?(?!\w)", re.IGNORECASE if any_case else 0)


def _is_name(part: str) -> bool:
    return len(part) >= _SHORTEST and part.casefold() not in ROLES
