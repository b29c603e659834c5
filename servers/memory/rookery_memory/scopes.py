"""Whose memory: scopes follow from the caller. The database enforces the same rule (memory.readable_scopes)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from rookery_core.errors import InvalidInput, NotAllowed
from rookery_core.identity import Caller

ScopeName = Literal["user", "channel", "team", "agent", "local"]
"""user: the asker's own. channel: of the channel they ask in. team: everybody's. agent: the bot's own notes.
local: of a server that runs for one person without naming them."""


def readable_scopes(caller: Caller) -> tuple[str, ...]:
    """The scopes of a caller as they are stored, the one that is written by default first.

    A person's own is open where they read alone, the team's among members, and the room's own everywhere.
    """
    if caller.kind == "anonymous":
        return ("local",)
    channel = (f"channel:{caller.channel}",) if caller.channel else ()
    if caller.room not in (None, "direct", "private", "public"):
        return channel
    if caller.kind == "agent":
        return ("agent", "team", *channel)
    if not caller.reads_alone:
        return (*channel, "team") if caller.kind == "member" else channel
    own = (f"user:{caller.user}",)
    return (*own, "team", *channel) if caller.kind == "member" else (*own, *channel)


def named(scope: Literal["own"] | ScopeName) -> ScopeName | None:
    """The scope of a tool's argument; None for the caller's own."""
    return None if scope == "own" else scope


def bound_scope(caller: Caller, name: ScopeName | None) -> str:
    """The scope that a name stands for with this caller; by default their own. Raises NotAllowed with what is theirs."""
    own = readable_scopes(caller)
    if name is None and own:
        return own[0]
    for scope in own:
        if scope.partition(":")[0] == name:
            return scope
    raise NotAllowed(
        f"scope: {name or 'own'!r} is not open to this caller where the answer is read.",
        hint="Leave scope out, or ask in a direct message.",
        candidates=[scope.partition(":")[0] for scope in own],
    )


def bound_scopes(caller: Caller, names: Sequence[ScopeName] | None) -> list[str] | None:
    """The scopes that names stand for; None for all of the caller's."""
    return [bound_scope(caller, name) for name in names] if names else None


def caller_of(scope: str, team: str) -> Caller:
    """A caller whose scopes include `scope`, for an operator's commands. Raises InvalidInput for what is none."""
    kind, _, name = scope.partition(":")
    if scope == "local":
        return Caller(team=team)
    if scope in ("team", "agent"):
        return Caller(team=team, kind="agent")
    if kind == "user" and name:
        return Caller(team=team, kind="member", user=name)
    if kind == "channel" and name:
        return Caller(team=team, kind="agent", channel=name)
    raise InvalidInput(
        f"scope: {scope!r} is not a scope.", candidates=["local", "team", "agent", "user:ID", "channel:ID"]
    )
