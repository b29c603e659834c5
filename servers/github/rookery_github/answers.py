"""Answers of bounded size: entries are taken until the budget is spent, and a cursor says where to go on."""

from __future__ import annotations

import json
from collections.abc import AsyncIterable, AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

from typing_extensions import TypedDict

from rookery_core.serving.paging import Page
from rookery_core.text import clip, estimate_tokens, fence, hidden_characters, new_nonce
from rookery_github.voices import Voice

DEFAULT_TOKENS = 2000
Position = dict[str, Any]
_OFFSET = "o"
_FRAME_TOKENS = 12
_CURSOR_TOKENS = 62
_NOTES_TOKENS = 40
_WORTH_SPLITTING = 120


class Answer(TypedDict):  # without a docstring: it would be repeated in the output schema of every tool
    text: str
    has_more: bool
    next_cursor: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One piece of an answer.

    at: where it begins, so that a cursor can name it. label: our words before it. body: other people's words,
    fenced under `voice` (None: our own words). note: our words after it. in_row: shares a fence with its neighbours
    of the same voice, and is never split.
    """

    at: Position
    body: str = ""
    voice: Voice | None = None
    label: str = ""
    note: str = ""
    in_row: bool = False


Entries = Callable[[Position], AsyncIterable[Entry]]
"""Makes the entries from a position on; the empty position is the beginning. Key `o` of a position counts the
characters of the first entry's body that earlier answers had; the entry is made whole nevertheless."""


@dataclass(slots=True)
class _Body:
    """An answer being filled."""

    nonce: str
    room: int
    offset: int = 0
    parts: list[str] = field(default_factory=list[str])
    row: list[str] = field(default_factory=list[str])
    row_voice: Voice | None = None
    hidden: dict[str, None] = field(default_factory=dict[str, None])
    taken: int = 0

    def take(self, entry: Entry) -> Position | None:
        """Take an entry in. Returns where to go on when it did not fit whole, else None."""
        body = entry.body[self.offset :]
        overhead = self._overhead(entry)
        if (cost := overhead + cost_of(body)) > self.room:
            if self.taken and (entry.in_row or not self._worth_splitting(cost, overhead)):
                return self._here(entry)
            body = _cut(body, self.room - overhead)
        reached = self.offset + len(body)
        whole = entry.in_row or reached == len(entry.body)
        self._append(entry, body, entry.note if whole else "")
        self.room -= overhead + cost_of(body)
        self.offset = 0
        self.taken += 1
        return None if whole else {**entry.at, _OFFSET: reached}

    def _here(self, entry: Entry) -> Position:
        return {**entry.at, _OFFSET: self.offset} if self.offset else entry.at

    def _worth_splitting(self, cost: int, overhead: int) -> bool:
        return cost > self.room * 2 and self.room - overhead >= _WORTH_SPLITTING

    def _overhead(self, entry: Entry) -> int:
        fence_cost = 0
        if entry.voice and not (entry.in_row and entry.voice == self.row_voice):
            fence_cost = cost_of(
                fence("", author=entry.voice.author, kind=entry.voice.kind, nonce=self.nonce)
            )
        return cost_of(entry.label) + cost_of(entry.note) + fence_cost + 2

    def _append(self, entry: Entry, body: str, note: str) -> None:
        self.hidden.update(dict.fromkeys(hidden_characters(body)))
        if entry.in_row and entry.voice:
            if entry.voice != self.row_voice:
                self.end_row()
                self.row_voice = entry.voice
            self.row.append(body)
            return
        self.end_row()
        fenced = body if entry.voice is None else self._fence(body, entry.voice)
        shown = "" if not entry.body else fenced
        self.parts.append("\n".join(part for part in (entry.label, shown, note) if part))

    def _fence(self, text: str, voice: Voice) -> str:
        return fence(text, author=voice.author, kind=voice.kind, nonce=self.nonce)

    def end_row(self) -> None:
        """Close the fence around rows."""
        if self.row and self.row_voice:
            self.parts.append(self._fence("\n".join(self.row), self.row_voice))
        self.row, self.row_voice = [], None

    def text(self, head: str) -> str:
        self.end_row()
        notes: list[str] = []
        if self.hidden:
            names = ", ".join(list(self.hidden)[:4]) + (", …" if len(self.hidden) > 4 else "")
            notes.append(f"hidden characters above: {names}")
        return "\n".join(part for part in (head, *self.parts, *notes) if part)


def cost_of(text: str) -> int:
    """Tokens of a text inside a JSON answer, where quotes and line ends are escaped."""
    return estimate_tokens(json.dumps(text, ensure_ascii=False)[1:-1]) if text else 0


async def assemble(
    tool: str,
    arguments: dict[str, Any],
    cursor: str,
    max_tokens: int,
    entries: Entries,
    head: Callable[[], str],
) -> Answer:
    """Fill one answer of at most `max_tokens`.

    arguments: what the cursor belongs to; with others it is refused. head: the first lines, made after the entries
    because it tells what they found.
    """
    page = Page.open(tool, arguments, cursor, max_tokens)
    start = dict(page.position)
    nonce = new_nonce()[:6]
    room = max_tokens - _FRAME_TOKENS - _CURSOR_TOKENS - _NOTES_TOKENS
    iterator = aiter(entries(start))
    first = await anext(iterator, None)
    body = _Body(nonce, room - cost_of(head()), offset=start.get(_OFFSET, 0))
    rest = body.take(first) if first else None
    if first and rest is None:
        rest = await _fill(body, iterator)
    next_cursor = "" if rest is None else page.cursor(**rest)
    text = body.text(head())
    return Answer(text=text, has_more=rest is not None, next_cursor=next_cursor)


async def _fill(body: _Body, iterator: AsyncIterator[Entry]) -> Position | None:
    async for entry in iterator:
        if (rest := body.take(entry)) is not None:
            return rest
    return None


def _cut(text: str, max_tokens: int) -> str:
    """The beginning of `text` whose JSON form fits; at least one character, so that reading always gets on."""
    wanted = max(1, max_tokens)
    cut = clip(text, wanted)[0]
    while cost_of(cut) > wanted and len(cut) > 1:
        cut = clip(cut, max(1, int(estimate_tokens(cut) * wanted / cost_of(cut)) - 1))[0] or cut[:1]
    return cut or text[:1]


def clipped(text: str, max_tokens: int, remedy: str) -> tuple[str, str]:
    """A body that may take `max_tokens`, and the note that says what is missing and how to get it."""
    shown, omitted = clip(text, max_tokens)
    return (shown, "") if not omitted else (shown, f"(clipped: about {omitted} more tokens; {remedy})")
