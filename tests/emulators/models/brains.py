"""What an emulated model says, independent of the API it is asked through."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Fault = Literal[
    "overloaded",
    "rate_limited",
    "server_error",
    "bad_key",
    "too_long",
    "bad_request",
    "cut",
    "error_in_stream",
    "hang",
]
"""cut: the stream ends in the middle. error_in_stream: it reports an overload in the middle. hang: it never goes on."""


@dataclass(frozen=True, slots=True)
class Use:
    """A tool call. raw: JSON as the model writes it, where it is not the JSON of `arguments`."""

    name: str
    arguments: dict[str, Any] = field(default_factory=dict[str, Any])
    raw: str | None = None

    @property
    def written(self) -> str:
        return json.dumps(self.arguments) if self.raw is None else self.raw


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply. stop: end, max_tokens or refusal; tool calls stop by themselves."""

    text: str = ""
    uses: tuple[Use, ...] = ()
    thinking: str = ""
    stop: Literal["end", "max_tokens", "refusal"] = "end"
    fault: Fault | None = None
    retry_after: str | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """A request as the brain sees it: the same for every API.

    results: the texts of all tool results so far, in order. last: the words of the last user message.
    """

    api: Literal["anthropic", "chat", "responses"]
    body: dict[str, Any]
    headers: dict[str, str]
    tools: tuple[str, ...]
    results: tuple[str, ...]
    last: str


Brain = Callable[[Request], Reply]


class Script:
    """Replies in order; the last one is repeated."""

    def __init__(self, replies: Sequence[Reply]) -> None:
        self._replies = list(replies)
        self.asked = 0

    def __call__(self, _request: Request) -> Reply:
        reply = self._replies[min(self.asked, len(self._replies) - 1)]
        self.asked += 1
        return reply


_LINK = re.compile(r"[a-z]+://[^\s\"'<>\\)\]]+")
_SEARCHES = ("search_messages", "search_docs", "recall", "search_issues")


def researcher(request: Request) -> Reply:
    """Searches everything with the question, then answers with the first links that were found."""
    if not request.results:
        question = " ".join(request.last.rsplit("## The question", 1)[-1].split())
        uses = tuple(Use(name, {"query": question}) for name in request.tools if name.endswith(_SEARCHES))
        if uses:
            return Reply(uses=uses)
    links = list(
        dict.fromkeys(link.rstrip(".,") for result in request.results for link in _LINK.findall(result))
    )
    if not links:
        return Reply(text="I found nothing about that.")
    return Reply(
        text="This is what I found: "
        + ", ".join(f"[{n}]({link})" for n, link in enumerate(links[:3], 1))
        + "."
    )


_FACT = re.compile(r"<untrusted \w+ from memory \((new|known) fact (\d+)\)>\n(.*?)\n</untrusted", re.DOTALL)
_TURN = re.compile(r"<untrusted \w+ from ([^\n]+?) \(turn (\d+)[^)]*\)>\n(.*?)\n</untrusted", re.DOTALL)


def turns_of(request: Request) -> list[tuple[str, int, str]]:
    """The turns of a conversation from which facts are to be drawn: speaker, number, words."""
    return [(speaker, int(number), text) for speaker, number, text in _TURN.findall(request.last)]


def judged(request: Request) -> list[tuple[int, str, list[tuple[int, str]]]] | None:
    """The new facts a model is to judge: number, words, and the known ones under it; None when it is asked for facts."""
    found: list[tuple[int, str, list[tuple[int, str]]]] = []
    for kind, number, text in _FACT.findall(request.last):
        if kind == "new":
            found.append((int(number), text, []))
        else:
            found[-1][2].append((int(number), text))
    return found or None


def note_taker(request: Request) -> Reply:
    """Writes each turn of a conversation down as it stands, and gives up nothing for it."""
    if judged(request):
        return Reply(text="[]")
    facts = [
        {"fact": f"{speaker} said: {text}", "kind": "episode", "turns": [number]}
        for speaker, number, text in turns_of(request)
    ]
    return Reply(text=f"Here they are:\n```json\n{json.dumps(facts)}\n```")


def assistant(request: Request) -> Reply:
    """Takes notes of a conversation, and researches a question."""
    about_facts = not request.tools and (turns_of(request) or judged(request))
    return note_taker(request) if about_facts else researcher(request)
