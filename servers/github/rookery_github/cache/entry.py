"""What is kept of an answer, and what a store of answers can do."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from rookery_core.identity import Caller

_ABOUT = re.compile(r"^/repos/(?P<name>[^/]+/[^/]+)(?:/(?:issues|pulls)/(?P<number>\d+))?(?:/|$)")


@dataclass(frozen=True, slots=True)
class Subject:
    """What an answer is about, so that news of it can make the answer stale. No full_name: a search."""

    host: str
    full_name: str | None = None
    number: int | None = None


@dataclass(frozen=True, slots=True)
class CachedAnswer:
    """An answer of GitHub. Times are seconds since 1970. immutable: true of it for ever."""

    body: bytes
    headers: Mapping[str, str]
    stored_at: float
    fresh_until: float
    immutable: bool = False

    @property
    def etag(self) -> str | None:
        return self.headers.get("etag")


class AnswerStore(Protocol):
    """Where answers are kept. Every method acts for one caller's team; a store may lose anything at any time."""

    async def find(self, caller: Caller, identity: str, key: str) -> CachedAnswer | None:
        """The answer kept under that key for that identity, or None."""
        ...

    async def save(
        self, caller: Caller, identity: str, key: str, subject: Subject, answer: CachedAnswer
    ) -> None:
        """Keep an answer, in place of the one under that key."""
        ...

    async def refresh(self, caller: Caller, identity: str, key: str, fresh_until: float) -> None:
        """GitHub said that the kept answer is still right (304)."""
        ...

    async def make_stale(self, caller: Caller, subject: Subject) -> None:
        """Something changed: what is kept about it, and every list or search, must be revalidated before use."""
        ...


def key_of(host: str, path: str, parameters: Mapping[str, Any], accept: str) -> str:
    """The key of a request: the same for the same question, whatever the order of its parameters."""
    written = "\n".join([host, path, accept, *(f"{name}={parameters[name]}" for name in sorted(parameters))])
    return hashlib.sha256(written.encode()).hexdigest()


def subject_of(host: str, path: str) -> Subject:
    """What the answer to this path is about."""
    match = _ABOUT.match(path)
    if match is None:
        return Subject(host)
    number = match["number"]
    return Subject(host, match["name"].lower(), int(number) if number else None)


def concerns(kept: Subject, changed: Subject) -> bool:
    """Whether a change of `changed` can make an answer about `kept` wrong."""
    if kept.host != changed.host:
        return False
    if kept.full_name is None or changed.full_name is None:
        return True
    if kept.full_name != changed.full_name.lower():
        return False
    return kept.number is None or changed.number is None or kept.number == changed.number
