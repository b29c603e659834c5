"""The caller of a tool, as the server established it. Never taken from a tool's arguments."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal

CallerKind = Literal["anonymous", "member", "guest", "outsider", "agent"]
"""anonymous: nobody was named (a lone stdio server, a token without user): public content only.
member: of the workspace. guest: only the channels they are in. outsider: from another organisation, only
the shared channel they speak in. agent: the bot itself, or a worker, on nobody's behalf."""

RoomKind = Literal["direct", "private", "public", "guests", "shared"]
"""Who reads the answer. direct: the asker alone. private: the members of a private channel or group, all of the
workspace. public: everybody of the workspace. guests: guests too. shared: people of another organisation too."""

DEFAULT_TEAM = "default"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, for whom every statement is filtered.

    team: the tenant. user: the person's id there (Slack's U…), or None. channel: the conversation in which
    they ask, or None. room: who reads the answer there; None: nobody but the asker. scopes: what the bearer of the
    token may do besides asking (`delegate`, `write`, …).
    """

    team: str = DEFAULT_TEAM
    user: str | None = None
    kind: CallerKind = "anonymous"
    channel: str | None = None
    room: RoomKind | None = None
    scopes: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if self.kind in ("member", "guest", "outsider") and not self.user:
            raise ValueError(f"a caller of kind {self.kind!r} needs a user")

    @property
    def identified(self) -> bool:
        return self.user is not None

    @property
    def reads_alone(self) -> bool:
        """Whether the asker is the only one who reads the answer."""
        return self.room in (None, "direct")

    @property
    def outsiders_read(self) -> bool:
        """Whether guests or people of another organisation read the answer, the asker included."""
        return self.kind in ("guest", "outsider") or self.room not in (None, "direct", "private", "public")


_current: ContextVar[Caller | None] = ContextVar("rookery_caller", default=None)


def current_caller() -> Caller:
    """The caller of the request being served. Raises LookupError outside of one: there is no default caller."""
    caller = _current.get()
    if caller is None:
        raise LookupError("no caller: this code runs outside of a request")
    return caller


@contextmanager
def acting_as(caller: Caller) -> Generator[Caller]:
    """Serve what runs inside the block for `caller`."""
    token = _current.set(caller)
    try:
        yield caller
    finally:
        _current.reset(token)
