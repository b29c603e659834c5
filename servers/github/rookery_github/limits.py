"""What is left of GitHub's limits for one identity, learnt from the headers of every answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from rookery_core.errors import RateLimited

SECONDARY_WAIT_S = 60.0


@dataclass(slots=True)
class Budget:
    """One resource: requests left of how many, and when the window ends (seconds since 1970)."""

    limit: int
    remaining: int
    reset_at: float


@dataclass(slots=True)
class Limits:
    """All resources of an identity. `clock` tells seconds since 1970."""

    clock: Callable[[], float] = time.time
    budgets: dict[str, Budget] = field(default_factory=dict[str, Budget])
    paused_until: float = 0.0

    def learn(self, headers: Mapping[str, str]) -> None:
        """Take note of the budget that an answer states."""
        try:
            budget = Budget(
                limit=int(float(headers["x-ratelimit-limit"])),
                remaining=int(float(headers["x-ratelimit-remaining"])),
                reset_at=float(headers["x-ratelimit-reset"]),
            )
        except (KeyError, ValueError):
            return
        self.budgets[headers.get("x-ratelimit-resource", "core")] = budget

    def pause(self, seconds: float) -> None:
        """GitHub asked for quiet (a secondary limit)."""
        self.paused_until = max(self.paused_until, self.clock() + seconds)

    def wait_s(self, resource: str) -> float:
        """Seconds until a request of this resource may be sent; 0 when it may be now."""
        now = self.clock()
        wait = max(0.0, self.paused_until - now)
        budget = self.budgets.get(resource)
        if budget and budget.remaining <= 0 and budget.reset_at > now:
            wait = max(wait, budget.reset_at - now + 0.5)
        return wait

    def refusal(self, resource: str, wait_s: float) -> RateLimited:
        """The error for a wait that is too long to make a tool hang."""
        budget = self.budgets.get(resource)
        if budget and budget.remaining <= 0:
            used_up = f"GitHub's limit for {resource} ({budget.limit} requests a window) is used up"
        else:
            used_up = "GitHub asks for a pause (secondary rate limit)"
        hint = "Wait retry_after_s, or work with what you have; a token raises the limit from 60 to 5,000 an hour."
        return RateLimited(used_up + ".", hint=hint, retry_after_s=wait_s)

    def summary(self) -> dict[str, dict[str, int]]:
        """Each resource as an answer's metadata shows it: left, limit, resets_in_s."""
        now = self.clock()
        return {
            name: {"left": b.remaining, "limit": b.limit, "resets_in_s": max(0, round(b.reset_at - now))}
            for name, b in sorted(self.budgets.items())
        }


def resource_of(path: str) -> str:
    """The resource that a request counts against."""
    if path.startswith("/search/code"):
        return "code_search"
    if path.startswith("/search/"):
        return "search"
    return "graphql" if path.endswith("/graphql") else "core"


def asked_wait_s(status: int, headers: Mapping[str, str], message: str, now: float) -> float | None:
    """How long a refused request should wait, in seconds; None when the refusal is not about a limit."""
    if status not in (403, 429):
        return None
    if retry_after := headers.get("retry-after", ""):
        return float(retry_after) if retry_after.isdigit() else SECONDARY_WAIT_S
    text = message.lower()
    if headers.get("x-ratelimit-remaining") == "0" and ("rate limit" in text or status == 429):
        reset = headers.get("x-ratelimit-reset", "")
        return max(1.0, float(reset) - now + 0.5) if reset.isdigit() else SECONDARY_WAIT_S
    if status == 429 or "secondary rate limit" in text or "abuse detection" in text:
        return SECONDARY_WAIT_S
    return None
