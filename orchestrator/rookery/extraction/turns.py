"""What an event of the memory server says, and the turns that it speaks of."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import TypeAdapter

from rookery_core.identity import Caller

TOPIC = "memory.turns"
_CALLER = TypeAdapter(Caller)


@dataclass(frozen=True, slots=True)
class NewTurns:
    """A conversation of a scope has new turns, from one position to another. caller: who added them."""

    scope: str
    conversation: str
    first: int
    last: int
    caller: Caller

    @property
    def scope_name(self) -> str:
        """The scope as the memory server's tools name it: whose it is follows from the caller."""
        return self.scope.partition(":")[0]

    def origin(self, first: int, last: int) -> str:
        """Where a reader finds these turns: the conversation itself when its name is a web address, else the resource."""
        web = self.conversation.startswith(("https://", "http://"))
        return self.conversation if web else self.address(first, last)

    def address(self, first: int, last: int) -> str:
        """The resource that holds these turns."""
        name = base64.urlsafe_b64encode(self.conversation.encode()).decode().rstrip("=")
        return f"memory://{self.scope_name}/turns/{name}/{first}/{last}"


@dataclass(frozen=True, slots=True)
class Said:
    """A turn as the memory server tells it."""

    position: int
    id: str
    speaker: str
    content: str
    said_at: str | None


def new_turns(payload: Mapping[str, Any], team: str) -> NewTurns:
    """What the payload says. Raises ValueError when it is none of ours."""
    try:
        # What is drawn from turns is written back to their scope; nobody reads an answer.
        caller = _CALLER.validate_python({"team": team, **payload["caller"], "room": "direct"})
        return NewTurns(
            str(payload["scope"]),
            str(payload["conversation"]),
            int(payload["first"]),
            int(payload["last"]),
            caller,
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"not an event of {TOPIC}: {error}") from None


def batches(turns: Sequence[Said], characters: int) -> list[list[Said]]:
    """The turns in order, so many characters at a time; one that is longer comes in pieces."""
    found: list[list[Said]] = []
    room = 0
    for piece in (piece for turn in turns for piece in _pieces(turn, characters)):
        if not found or len(piece.content) > room:
            found.append([])
            room = characters
        found[-1].append(piece)
        room -= len(piece.content)
    return found


def _pieces(turn: Said, characters: int) -> list[Said]:
    starts = range(0, max(len(turn.content), 1), characters)
    return [replace(turn, content=turn.content[start : start + characters]) for start in starts]
