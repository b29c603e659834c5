"""A model's reply that is to be a JSON list, read with care: it may be cut, wrapped in words, or made up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, cast


class Malformed(Exception):
    """The model's reply holds no list."""


def entries_of(reply: str) -> Iterator[Any]:
    """The entries of the first JSON list of a reply, one by one, as far as they are whole.

    Raises Malformed when there is no list, or one that breaks off before its first entry.
    """
    at = reply.find("[") + 1
    if not at:
        raise Malformed("the model's reply holds no JSON list")
    decoder = json.JSONDecoder()
    complete = False
    while True:
        at = _after_space(reply, at)
        if at >= len(reply):
            break
        if reply[at] == "]":
            complete = True
            break
        try:
            entry, at = decoder.raw_decode(reply, at)
        except (ValueError, RecursionError):
            break
        yield entry
        complete = True
    if not complete:
        raise Malformed("the model's reply breaks off before its first entry")


def whole_numbers(told: Any, most: int) -> list[int]:
    """The numbers from 1 to `most` that were told, one or a list of them, each once and in order."""
    listed: list[Any] = cast(list[Any], told) if isinstance(told, list) else [told]
    return sorted({number for number in listed if type(number) is int and 1 <= number <= most})


def _after_space(text: str, at: int) -> int:
    while at < len(text) and (text[at].isspace() or text[at] == ","):
        at += 1
    return at
