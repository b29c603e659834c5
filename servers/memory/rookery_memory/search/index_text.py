"""What is indexed besides the content itself: dates in words; and what is left out of a vector: names of speakers.

In a short text a speaker's name would be most of the vector. Dates are in English in every locale.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache

ROLES = frozenset({"user", "assistant", "system", "human", "tool", "agent", "bot"})
MIN_NAME_LETTERS = 3
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


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
    return len(part) >= MIN_NAME_LETTERS and part.casefold() not in ROLES


def spelled_out(moment: datetime | None) -> str:
    """`Monday 8 May 2023`, so that a question about a month or a day finds it; empty for None."""
    if moment is None:
        return ""
    return f"{_DAYS[moment.weekday()]} {moment.day} {_MONTHS[moment.month - 1]} {moment.year}"
