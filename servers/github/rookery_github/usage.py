"""What one tool call cost: requests made, answers taken from the cache, and how old the oldest of them is."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Literal

State = Literal["fetched", "revalidated", "cached", "stale"]
"""fetched: asked GitHub, counts against the limit. revalidated: GitHub said 304, which costs nothing.
cached: fresh or immutable, GitHub was not asked. stale: GitHub could not be asked, so what was kept is shown."""


@dataclass(slots=True)
class Usage:
    """Counts by state; `stale_since` is when the oldest stale answer was fetched (seconds since 1970)."""

    counts: dict[str, int] = field(default_factory=dict[str, int])
    stale_since: float | None = None
    limits: dict[str, Any] = field(default_factory=dict[str, Any])

    def record(self, state: State, stored_at: float) -> None:
        self.counts[state] = self.counts.get(state, 0) + 1
        if state == "stale":
            self.stale_since = min(stored_at, self.stale_since or stored_at)

    def as_meta(self) -> dict[str, Any]:
        """The object in a result's `_meta`."""
        return {"requests": dict(sorted(self.counts.items())), "limits": self.limits}


_current: ContextVar[Usage | None] = ContextVar("rookery_github_usage", default=None)


@contextmanager
def counting() -> Generator[Usage]:
    """Count what the block asks of GitHub."""
    usage = Usage()
    token = _current.set(usage)
    try:
        yield usage
    finally:
        _current.reset(token)


def current() -> Usage:
    """The usage being counted; a throw-away one outside of a tool call."""
    return _current.get() or Usage()
