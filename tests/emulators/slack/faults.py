"""What goes wrong on purpose: limits, errors, answers that get lost, calls that are held back."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

from aiohttp import web

from emulators.slack.errors import ApiError, rate_limited

STARTING = frozenset({"auth.test", "apps.connections.open"})
FaultKind = Literal[
    "rate_limit", "error", "server_error", "proxy", "stall", "drop", "lose_answer", "cut_answer", "hold"
]


@dataclass
class Fault:
    """One planned failure of a method ("*": of whatever is called for an answer), used up after `times` calls.

    skip: so many calls pass before it.
    rate_limit: 429. error: `ok: false`. server_error: 503 before anything happens. proxy: something on the way
    answers in Slack's place with `status` and `body`. stall: nothing happens until `release`, and then nothing either.
    drop: the connection breaks before anything happens. lose_answer: the call takes effect and the connection breaks
    before the answer. cut_answer: it breaks in the middle of the answer. hold: the call takes effect and
    the answer waits for `release` (so that a test can kill the caller in between).
    """

    method: str
    kind: FaultKind
    times: int = 1
    skip: int = 0
    code: str = "internal_error"
    retry_after: int | str = 1
    status: int = 502
    body: str = "<html><body>Bad gateway</body></html>"
    content_type: str = "text/html"
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    release: asyncio.Event = field(default_factory=asyncio.Event)

    def concerns(self, method: str) -> bool:
        return method not in STARTING if self.method == "*" else method == self.method


@dataclass
class Faults:
    planned: list[Fault] = field(default_factory=list[Fault])
    every_nth: dict[str, int] = field(default_factory=dict[str, int])
    requests: Counter[str] = field(default_factory=Counter[str])
    """How often each method was asked for, whatever became of it."""

    def plan(self, method: str, kind: FaultKind, **details: object) -> Fault:
        fault = Fault(method, kind, **details)  # type: ignore[arg-type]
        self.planned.append(fault)
        return fault

    def rate_limit_every(self, method: str, nth: int) -> None:
        """Refuse each nth call of a method with 429."""
        self.every_nth[method] = nth

    def take(self, method: str) -> Fault | None:
        self.requests[method] += 1
        nth = self.every_nth.get(method)
        if nth and self.requests[method] % nth == 0:
            return Fault(method, "rate_limit")
        for fault in self.planned:
            if fault.times > 0 and fault.concerns(method):
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                fault.times -= 1
                fault.reached.set()
                return fault
        return None


def before(fault: Fault | None) -> None:
    """Raise what prevents the call from happening."""
    if fault is None:
        return
    if fault.kind == "rate_limit":
        raise rate_limited(fault.retry_after)
    if fault.kind == "error":
        raise ApiError(fault.code)
    if fault.kind == "server_error":
        raise ApiError(fault.code, status=503)


async def instead(fault: Fault) -> web.Response:
    """The answer of whatever kept a call from Slack."""
    if fault.kind == "stall":
        await fault.release.wait()
    return web.Response(status=fault.status, text=fault.body, content_type=fault.content_type)
