"""Rate limits as Slack publishes them: tiers a minute and method, one message a second and channel."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from emulators.slack.errors import rate_limited

TIERS: dict[str, int] = {  # calls a minute
    "conversations.list": 20,
    "conversations.history": 50,
    "conversations.replies": 50,
    "conversations.info": 50,
    "conversations.members": 100,
    "conversations.open": 50,
    "users.list": 20,
    "users.info": 100,
    "usergroups.list": 20,
    "usergroups.users.list": 20,
    "reactions.add": 50,
    "reactions.remove": 20,
    "files.info": 100,
    "chat.update": 50,
    "chat.delete": 50,
    "chat.startStream": 20,
    "chat.appendStream": 100,
    "chat.stopStream": 20,
    "views.open": 100,
    "assistant.threads.setStatus": 600,
    "auth.test": 600,
    "apps.connections.open": 1,
}


@dataclass
class Limiter:
    """Counts calls in a sliding minute. Off unless `enforced`, so that a test decides when limits matter."""

    enforced: bool = False
    clock: Callable[[], float] = time.monotonic
    _seen: dict[str, deque[float]] = field(default_factory=lambda: defaultdict(deque))

    def admit(self, name: str, channel: str) -> None:
        if not self.enforced:
            return
        if name == "chat.postMessage":
            self._count(f"{name}:{channel}", 1, 1.0)
        elif name in TIERS:
            self._count(name, TIERS[name], 60.0)

    def _count(self, key: str, allowed: int, window_s: float) -> None:
        now, calls = self.clock(), self._seen[key]
        while calls and calls[0] <= now - window_s:
            calls.popleft()
        if len(calls) >= allowed:
            raise rate_limited(max(1, int(calls[0] + window_s - now) + 1))
        calls.append(now)
