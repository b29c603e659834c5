"""The facts that a model found in turns."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from rookery.extraction.replies import entries_of, whole_numbers

Kind = Literal["fact", "preference", "decision", "episode"]
MOST_FACTS = 40
LONGEST_FACT = 600
_ADDRESS = re.compile(r"(?:[a-z][a-z0-9+.-]*://|www\.)[^\s<>\"')\]]+", re.IGNORECASE)


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
    facts: dict[str, Fact] = {}
    for entry in entries_of(reply):
        fact = _fact(entry, numbered)
        if fact and not any(address not in said for address in _ADDRESS.findall(fact.content)):
            facts.setdefault(" ".join(fact.content.casefold().split()), fact)
    return list(facts.values())[:MOST_FACTS]


def _fact(entry: Any, numbered: Sequence[int]) -> Fact | None:
    if not isinstance(entry, dict):
        return None
    told = cast(dict[str, Any], entry)
    content = told.get("fact")
    if not isinstance(content, str) or not 0 < len(content.strip()) <= LONGEST_FACT:
        return None
    positions = tuple(sorted({numbered[at - 1] for at in whole_numbers(told.get("turns"), len(numbered))}))
    kind = told.get("kind")
    known = cast(Kind, kind) if kind in get_args(Kind) else "fact"
    return Fact(" ".join(content.split()), known, positions) if positions else None
