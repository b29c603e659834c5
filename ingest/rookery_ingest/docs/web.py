"""Fetches over HTTP as a guest: robots.txt obeyed, one request after another with a pause, conditional, bounded."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import partial
from typing import Any
from urllib.parse import urljoin

from protego import Protego

from rookery_core.errors import InvalidInput, Unavailable
from rookery_core.foreign.addresses import Scope, parsed
from rookery_core.foreign.limits import FETCH_TIMEOUT_S, MAX_PAUSE_S
from rookery_core.foreign.web import Fetched, Fetcher, parse_date
from rookery_core.telemetry import get_logger

logger = get_logger(__name__)
USER_AGENT = "rookery-ingest/0.1 (documentation for one team's search)"
_TRIES = 4
_RETRIED = {429, 500, 502, 503, 504}
_GONE = (404, 410)
_MAX_ROBOTS_BYTES = 500_000


class NotGiven(InvalidInput):
    """The host does not give this page: its robots.txt forbids it, or it is gone."""


@dataclass(slots=True)
class Guest:
    """A polite client. pause_s: between two requests to one host; robots.txt may ask for more."""

    pause_s: float = 0.5
    obey_robots: bool = True
    fetcher: Fetcher = field(default_factory=lambda: Fetcher(USER_AGENT))
    _robots: dict[str, Protego | None] = field(default_factory=dict[str, Protego | None])
    _free_at: dict[str, float] = field(default_factory=dict[str, float])

    async def close(self) -> None:
        """Close the connections."""
        await self.fetcher.close()

    async def fetch(
        self,
        url: str,
        *,
        scope: Scope | None = None,
        etag: str | None = None,
        last_modified: datetime | None = None,
        timeout_s: float = FETCH_TIMEOUT_S,
    ) -> Fetched:
        """Fetch a URL if it has changed. scope: where redirects may lead; None for a URL that the operator named, which may
        be on a private network and redirect to any public host.

        Raises NotGiven (robots.txt forbids, gone), AddressRefused (leads out), InvalidInput (other 4xx, cannot be read),
        Unavailable (else).
        """
        if scope is None:
            self.fetcher.name(url)
        headers: dict[str, str] = {}
        if etag:
            headers["If-None-Match"] = etag
        if last_modified:
            headers["If-Modified-Since"] = format_datetime(last_modified.astimezone(UTC), usegmt=True)
        hop = partial(self._allowed_hop, timeout_s=timeout_s)
        answer = await self.fetcher.get(url, headers, scope=scope, hop=hop)
        if answer.status in _GONE:
            raise NotGiven(f"{url}: answered {answer.status}.")
        if answer.status >= 300 and answer.status != 304:
            raise InvalidInput(f"{url}: answered {answer.status}.")
        return answer

    async def robots(self, url: str) -> Protego | None:
        """The robots.txt that governs a URL; None when the host has none."""
        host = _host(url)
        if host not in self._robots:
            self._robots[host] = await self._read_robots(host)
        return self._robots[host]

    async def _allowed_hop(self, url: str, headers: Mapping[str, str], *, timeout_s: float) -> Fetched:
        robots = await self.robots(url) if self.obey_robots else None
        if robots is not None and not robots.can_fetch(url, USER_AGENT):
            raise NotGiven(f"{url}: robots.txt asks not to fetch this.")
        return await self._get(url, headers, timeout_s)

    async def _read_robots(self, host: str) -> Protego | None:
        url = urljoin(host, "/robots.txt")
        hop = partial(self._get, timeout_s=FETCH_TIMEOUT_S)
        try:
            answer = await self.fetcher.get(url, {}, scope=Scope.of(url, whole_host=True), hop=hop)
        except InvalidInput:
            return None
        if answer.status != 200:
            return None  # there are no rules
        parse: Any = Protego.parse
        return parse(answer.data[:_MAX_ROBOTS_BYTES].decode("utf-8", "replace"))

    async def _get(self, url: str, headers: Mapping[str, str], timeout_s: float) -> Fetched:
        reason = ""
        for attempt in range(_TRIES):
            await self._wait_turn(url)
            pause = 2.0**attempt * self.pause_s
            try:
                answer = await self.fetcher.request(url, headers, timeout_s)
                if answer.status not in _RETRIED:
                    return answer
                reason = f"status {answer.status}"
                pause = _retry_after(answer.retry_after) or pause
            except Unavailable as error:
                reason = error.message.rpartition("(")[2].rstrip(").")
            if attempt + 1 < _TRIES:
                logger.info("%s: %s, trying again", url, reason)
                await asyncio.sleep(min(pause, MAX_PAUSE_S))
        raise Unavailable(f"{url}: not reachable ({reason}).", hint="The next run tries again.")

    async def _wait_turn(self, url: str) -> None:
        host = _host(url)
        robots = self._robots.get(host)
        asked = float(robots.crawl_delay(USER_AGENT) or 0) if robots is not None and self.obey_robots else 0.0
        pause = min(max(self.pause_s, asked), MAX_PAUSE_S)
        now = time.monotonic()
        at = max(now, self._free_at.get(host, 0.0))
        self._free_at[host] = at + pause
        if at > now:
            await asyncio.sleep(at - now)


def _retry_after(text: str | None) -> float:
    if text and text.strip().isdigit():
        return float(text)
    at = parse_date(text)
    return max(0.0, (at - datetime.now(UTC)).total_seconds()) if at else 0.0


def _host(url: str) -> str:
    parts = parsed(url)
    return f"{parts.scheme}://{parts.netloc}"
