"""Who speaks in a text of GitHub, and what weight that has: owner, member, contributor, bot or stranger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

KINDS = {
    "OWNER": "owner",
    "MEMBER": "member",
    "COLLABORATOR": "member",
    "CONTRIBUTOR": "contributor",
    "FIRST_TIMER": "stranger",
    "FIRST_TIME_CONTRIBUTOR": "stranger",
    "MANNEQUIN": "stranger",
    "NONE": "stranger",
}
GHOST = "ghost"


@dataclass(frozen=True, slots=True)
class Voice:
    """An author and what they are to the repository."""

    author: str
    kind: str

    def __str__(self) -> str:
        return f"{self.author} ({self.kind})"


PEOPLE = Voice("people named below", "titles and names")
"""The voice of rows that many people wrote."""


def login_of(user: Mapping[str, Any] | None) -> str:
    """The login, or `ghost` for a deleted account."""
    return str(user.get("login") or GHOST) if user else GHOST


def voice_of(item: Mapping[str, Any]) -> Voice:
    """The voice of an issue, a comment or a review."""
    user: Mapping[str, Any] | None = item.get("user") or item.get("author")
    login = login_of(user)
    if user and (user.get("type") == "Bot" or login.endswith("[bot]")):
        return Voice(login, "bot")
    return Voice(login, KINDS.get(str(item.get("author_association") or "NONE"), "stranger"))


def contributor(user: Mapping[str, Any] | None, name: str | None = None) -> Voice:
    """The voice of what was committed or released: whoever could push it or was merged."""
    login = str(user["login"]) if user and user.get("login") else (name or GHOST)
    bot = bool(user and user.get("type") == "Bot") or login.endswith("[bot]")
    return Voice(login, "bot" if bot else "contributor")
