"""What the model answers, read with care: it may be cut, wrapped in words, or made up."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

Kind = Literal["fact", "preference", "decision", "episode"]
MOST_FACTS = 40
LONGEST_FACT = 600
_ADDRESS = re.compile(r"(?:[a-z][a-z0-9+.-]*://|www\.)[^\s<>\"')\]]+", re.IGNORECASE)


class Malformed(Exception):
    """The model's reply is no list of facts."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A sentence that stands alone. positions: of the turns it was drawn from."""

    content: str
    kind: Kind
    positions: tuple[int, ...]

    def as_json(self) -> dict[str, Any]:
        return {"content": self.content, "kind": self.kind, "positions": list(self.positions)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Fact:
        return cls(value["content"], value["kind"], tuple(value["positions"]))


def read_facts(reply: str, numbered: Sequence[int], said: str) -> list[Fact]:
    """The facts of a reply. numbered: the position of each turn as the model saw them, numbered from 1.

    An entry that names no turn, or an address that nobody in `said` gave, is left out. A list that breaks off keeps
    the entries before. Raises Malformed when there is no list.
    """
    start = reply.find("[")
    if start < 0:
        raise Malformed("the model's reply holds no JSON list")
    facts: dict[str, Fact] = {}
    for entry in _entries(reply, start + 1):
        fact = _fact(entry, numbered)
        if fact and not any(address not in said for address in _ADDRESS.findall(fact.content)):
            facts.setdefault(" ".join(fact.content.casefold().split()), fact)
    return list(facts.values())[:MOST_FACTS]


def _entries(text: str, at: int) -> Iterator[Any]:
    """The entries of a JSON list whose bracket is open, one by one, as far as they are whole."""
    decoder = json.JSONDecoder()
    complete = False
    while True:
        at = _after_space(text, at)
        if at >= len(text):
            break
        if text[at] == "]":
            complete = True
            break
        try:
            entry, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            break
        yield entry
        complete = True
    if not complete:
        raise Malformed("the model's reply breaks off before its first fact")


def _after_space(text: str, at: int) -> int:
    while at < len(text) and (text[at].isspace() or text[at] == ","):
        at += 1
    return at


def _fact(entry: Any, numbered: Sequence[int]) -> Fact | None:
    if not isinstance(entry, dict):
        return None
    told = cast(dict[str, Any], entry)
    content = told.get("fact")
    if not isinstance(content, str) or not 0 < len(content.strip()) <= LONGEST_FACT:
        return None
    positions = _positions(told.get("turns"), numbered)
    kind = told.get("kind")
    known = cast(Kind, kind) if kind in get_args(Kind) else "fact"
    return Fact(" ".join(content.split()), known, positions) if positions else None


def _positions(numbers: Any, numbered: Sequence[int]) -> tuple[int, ...]:
    listed: list[Any] = cast(list[Any], numbers) if isinstance(numbers, list) else [numbers]
    valid = {number for number in listed if isinstance(number, int) and 1 <= number <= len(numbered)}
    return tuple(sorted({numbered[number - 1] for number in valid}))
