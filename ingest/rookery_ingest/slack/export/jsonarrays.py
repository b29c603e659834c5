"""The elements of a JSON array one by one, as far as the text can be read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

_SPACE = re.compile(r"[ \t\n\r]*")
MAX_DIGITS = 100


def _number(digits: str) -> int | None:
    """A whole number; None for one that is longer than any that Slack writes, and that Python may refuse to read."""
    return int(digits) if len(digits) <= MAX_DIGITS else None


_DECODER = json.JSONDecoder(parse_int=_number)


class Damaged(Exception):
    """The text ends or breaks at some point; what came before it was good."""


def elements(data: bytes) -> Iterator[Any]:
    """Each element of the array in `data`. Raises Damaged where it breaks, after everything before that point."""
    text = data.decode("utf-8-sig", "replace")
    at = _skip(text, 0)
    if text[at : at + 1] != "[":
        raise Damaged("not a JSON array")
    at = _skip(text, at + 1)
    if text[at : at + 1] == "]":
        return
    while True:
        try:
            value, at = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            raise Damaged(f"breaks at character {at} ({type(error).__name__})") from None
        yield value
        at = _skip(text, at)
        mark = text[at : at + 1]
        if mark == "]":
            return
        if mark != ",":
            raise Damaged(f"breaks at character {at}")
        at = _skip(text, at + 1)


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at
