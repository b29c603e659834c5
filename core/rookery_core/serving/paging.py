"""One page of a longer answer: what fits into the token budget, and the cursor of the rest.

A cursor is opaque to the caller. It belongs to one tool and to the arguments of the call that returned it, and is
refused with others: a cursor of another query would silently continue the wrong answer.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self, TypeVar

from rookery_core.errors import InvalidInput
from rookery_core.text import estimate_tokens_of

_VERSION = "c2."
MAX_CURSOR_CHARACTERS = 4096
_OFFSET = "offset"
Arguments = Mapping[str, Any] | Sequence[Any]
"""Values of a call, as JSON can hold them (others by their str)."""
Item = TypeVar("Item")


@dataclass(slots=True)
class Page:
    """A page that is being filled. `position` is where it begins, as the tool that issued the cursor wrote it."""

    tool: str
    arguments: Arguments
    position: Mapping[str, Any]
    room_tokens: int
    count: int = 0

    @classmethod
    def open(cls, tool: str, arguments: Arguments, cursor: str | None, max_tokens: int) -> Self:
        """The page at `cursor`; the first one without a cursor.

        arguments: everything that decides what is found and in which order; not the size of a page. Raises InvalidInput
        for a cursor that another tool or a call with other arguments returned.
        """
        return cls(tool, arguments, _position(tool, arguments, cursor), max_tokens)

    @property
    def offset(self) -> int:
        """How many items earlier pages had, for tools that number their items. Raises InvalidInput if it is no number."""
        offset = self.position.get(_OFFSET, 0)
        if not isinstance(offset, int) or offset < 0:
            raise _not_a_cursor()
        return offset

    @property
    def next_offset(self) -> int:
        """The number of the first item that no page has had so far."""
        return self.offset + self.count

    def add(self, cost_tokens: int) -> bool:
        """Whether an item of that cost still fits. The first one always does, so that every page gets on."""
        if self.count and cost_tokens > self.room_tokens:
            return False
        self.count += 1
        self.room_tokens -= cost_tokens
        return True

    def fill(
        self, items: Iterable[Item], cost_tokens: Callable[[Item], int] = estimate_tokens_of
    ) -> list[Item]:
        """The items, from the first on, that fit. Takes no item from the iterable after the first that does not."""
        kept: list[Item] = []
        for item in items:
            if not self.add(cost_tokens(item)):
                break
            kept.append(item)
        return kept

    def cursor(self, **position: Any) -> str:
        """The cursor of the page that begins at `position`. Values are what JSON can hold."""
        return _encode({"t": self.tool, "a": _digest(self.arguments), "p": position})

    def next_cursor(self, *, more: bool) -> str | None:
        """The cursor of the next page, by number of items; None when there is no more."""
        return self.cursor(offset=self.next_offset) if more else None


def fit(items: Iterable[Item], max_tokens: int) -> list[Item]:
    """As many of the items, from the first on, as fit an answer without further pages; at least one."""
    return Page("", (), {}, max_tokens).fill(items)


def _position(tool: str, arguments: Arguments, cursor: str | None) -> Mapping[str, Any]:
    if not cursor:
        return {}
    content = _decode(cursor)
    position = content.get("p")
    if not isinstance(position, dict):
        raise _not_a_cursor()
    if content.get("t") != tool:
        raise InvalidInput(f"cursor must come from {tool}.", hint="Pass it to the tool that returned it.")
    if content.get("a") != _digest(arguments):
        raise InvalidInput(
            "cursor was issued for other arguments.",
            hint="Repeat the call that returned it unchanged, with cursor added; or leave cursor out to begin again.",
        )
    return position  # pyright: ignore[reportUnknownVariableType] keys of a JSON object are strings


def _digest(arguments: Arguments) -> str:
    text = json.dumps(arguments, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _encode(content: Mapping[str, Any]) -> str:
    data = json.dumps(content, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return _VERSION + base64.urlsafe_b64encode(data.encode("utf-8", "surrogatepass")).decode().rstrip("=")


def _decode(cursor: str) -> Mapping[str, Any]:
    try:
        if not cursor.startswith(_VERSION) or len(cursor) > MAX_CURSOR_CHARACTERS:
            raise ValueError("not a cursor of this version")
        body = cursor[len(_VERSION) :]
        content = json.loads(base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError):
        raise _not_a_cursor() from None
    if not isinstance(content, dict):
        raise _not_a_cursor()
    return content  # pyright: ignore[reportUnknownVariableType] keys of a JSON object are strings


def _not_a_cursor() -> InvalidInput:
    return InvalidInput(
        "cursor must be a next_cursor of this server.",
        hint="Pass next_cursor of the previous answer unchanged, with the same other arguments, or leave it out.",
    )
