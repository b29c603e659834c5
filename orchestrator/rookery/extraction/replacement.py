"""Which known facts the new ones make untrue: a model judges the candidates that the memory server names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from rookery.extraction.prompts import MAX_OUTPUT_TOKENS
from rookery.extraction.replies import entries_of, whole_numbers
from rookery.models.protocol import ChatMessage, ModelRequest, Text
from rookery_core.text import explain_fence, fence, new_nonce

if TYPE_CHECKING:
    from rookery.agent.prompts import Prompts
    from rookery.extraction.facts import Fact
    from rookery.extraction.turns import Said
    from rookery.traces.records import ToolCall


@dataclass(frozen=True, slots=True)
class Known:
    """A memory that the new fact may make untrue. since: when it began to hold. pinned: only a person gives it up."""

    id: str
    content: str
    since: datetime
    pinned: bool


@dataclass(frozen=True, slots=True)
class Stored:
    """A fact that was remembered, with its turns, the candidates that `remember` named, and the call."""

    fact: Fact
    turns: Sequence[Said]
    similar: Sequence[Known]
    call: ToolCall

    @property
    def candidates(self) -> list[Known]:
        """What it may make untrue: nothing that is pinned, and nothing that began to hold after it was said."""
        dates = [datetime.fromisoformat(turn.said_at) for turn in self.turns if turn.said_at]
        said = max(dates, default=None)
        return [known for known in self.similar if not known.pinned and (said is None or known.since <= said)]


@dataclass(frozen=True, slots=True)
class Doubt:
    """A new fact, by its number too, and a known one that it may make untrue."""

    number: int
    fact: Fact
    known: Known


def doubts(stored: Sequence[Stored], characters: int) -> list[Doubt]:
    """Each fact with each of its candidates, as far as the first of them fit into so many characters."""
    found: list[Doubt] = []
    for number, one in enumerate(stored, start=1):
        for known in one.candidates:
            characters -= len(known.content) + len(one.fact.content)
            if characters < 0:
                return found
            found.append(Doubt(number, one.fact, known))
    return found


def request_for(prompts: Prompts, doubted: Sequence[Doubt]) -> ModelRequest:
    """What the model is asked: each new fact once, and under it what it may make untrue."""
    nonce = new_nonce()
    parts: list[str] = []
    shown = 0
    for count, doubt in enumerate(doubted, start=1):
        if doubt.number != shown:
            shown = doubt.number
            parts.append(_fenced(doubt.fact.content, f"new fact {shown}", nonce))
        parts.append(_fenced(doubt.known.content, f"known fact {count}", nonce))
    return ModelRequest(
        system=prompts.replacement({"fence_explained": explain_fence(nonce)}),
        messages=[ChatMessage("user", (Text("\n".join(parts)),))],
        tools=(),
        max_output_tokens=MAX_OUTPUT_TOKENS,
    )


def read_replacements(reply: str, doubted: Sequence[Doubt]) -> list[tuple[Fact, list[str]]]:
    """The facts that replace others, each with the ids of those. Raises Malformed when the reply holds no list.

    Only what stood under a fact is taken, and each known fact is replaced once: by the first that claims it.
    """
    untrue: dict[int, list[Doubt]] = {}
    taken: set[str] = set()
    for entry in entries_of(reply):
        told = cast(dict[str, Any], entry) if isinstance(entry, dict) else {}
        for at in whole_numbers(told.get("untrue"), len(doubted)):
            doubt = doubted[at - 1]
            if doubt.number == told.get("new") and doubt.known.id not in taken:
                taken.add(doubt.known.id)
                untrue.setdefault(doubt.number, []).append(doubt)
    return [(of[0].fact, [doubt.known.id for doubt in of]) for _, of in sorted(untrue.items())]


def _fenced(content: str, label: str, nonce: str) -> str:
    return fence(content, author="memory", kind=label, nonce=nonce)
