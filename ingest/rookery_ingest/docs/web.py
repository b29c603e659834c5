"""Fetches over HTTP as a guest: robots.txt obeyed, one request after another with a pause, conditional, bounded."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx2
from protego import Protego

from rookery_core.errors import InvalidInput, Unavailable
from rookery_core.telemetry import get_logger

logger = get_logger(__name__)
USER_AGENT = "rookery-ingest/0.1 (documentation for one team's search)"
LARGEST_BODY = 64 * 1024 * 1024
LONGEST_PAUSE_S = 60.0
_TRIES = 4
_RETRIED = {429, 500, 502, 503, 504}
_GONE = (404, 410)


class NotGiven(InvalidInput):
    """The host does not give this page: its robots.txt forbids it, or it is gone."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a URL answered. status: 200, or 304 when it is as it was. url: after redirects."""

    status: int
    url: str
    data: bytes = b""
    content_type: str = ""
    etag: str | None = None
    last_modified: datetime | None = None


@dataclass(slots=True)
class Guest:
    """A polite client. pause_s: between two requests to one host; robots.txt may ask for more."""

    pause_s: float = 0.5
    obey_robots: bool = True
    client: httpx2.AsyncClient = field(
        default_factory=lambda: httpx2.AsyncClient(
            timeout=30, follow_redirects=True, headers={"User-Agent": USER_AGENT}
        )
    )
    _robots: dict[str, Protego | None] = field(default_factory=dict[str, Protego | None])
    _free_at: dict[str, float] = field(default_factory=dict[str, float])

    async def close(self) -> None:
        """Close the connections."""
        await self.client.aclose()

    async def fetch(
        self, url: str, *, etag: str | None = None, last_modified: datetime | None = None
    ) -> Fetched:
        """Fetch a URL if it has changed. Raises NotGiven (robots.txt forbids, gone), InvalidInput (other 4xx), Unavailable
        (else)."""
        if not await self._allowed(url):
            raise NotGiven(f"{url}: robots.txt asks not to fetch this.")
        headers: dict[str, str] = {}
        if etag:
            headers["If-None-Match"] = etag
        if last_modified:
            headers["If-Modified-Since"] = format_datetime(last_modified.astimezone(UTC), usegmt=True)
        return await self._get(url, headers)

    async def robots(self, url: str) -> Protego | None:
        """The robots.txt that governs a URL; None when the host has none."""
        host = _host(url)
        if host not in self._robots:
            self._robots[host] = await self._read_robots(host)
        return self._robots[host]

    async def _allowed(self, url: str) -> bool:
        if not self.obey_robots:
            return True
        robots = await self.robots(url)
        return robots is None or robots.can_fetch(url, USER_AGENT)

    async def _read_robots(self, host: str) -> Protego | None:
        try:
            answer = await self._get(urljoin(host, "/robots.txt"), {})
        except InvalidInput:
            return None  # 4xx: there are no rules
        parse: Any = Protego.parse
        return parse(answer.data.decode("utf-8", "replace"))

    async def _get(self, url: str, headers: dict[str, str]) -> Fetched:
        reason = ""
        for attempt in range(_TRIES):
            await self._wait_turn(url)
            try:
                async with self.client.stream("GET", url, headers=headers) as answer:
                    if answer.status_code not in _RETRIED:
                        return await _read(url, answer)
                    reason = f"status {answer.status_code}"
                    pause = _retry_after(answer.headers.get("Retry-After")) or 2.0**attempt * self.pause_s
            except httpx2.TransportError as error:
                reason = type(error).__name__
                pause = 2.0**attempt * self.pause_s
            if attempt + 1 < _TRIES:
                logger.info("%s: %s, trying again", url, reason)
                await asyncio.sleep(min(pause, LONGEST_PAUSE_S))
        raise Unavailable(f"{url}: not reachable ({reason}).", hint="The next run tries again.")

    async def _wait_turn(self, url: str) -> None:
        host = _host(url)
        robots = self._robots.get(host)
        asked = float(robots.crawl_delay(USER_AGENT) or 0) if robots is not None and self.obey_robots else 0.0
        pause = min(max(self.pause_s, asked), LONGEST_PAUSE_S)
        now = time.monotonic()
        at = max(now, self._free_at.get(host, 0.0))
        self._free_at[host] = at + pause
        if at > now:
            await asyncio.sleep(at - now)


async def _read(url: str, answer: httpx2.Response) -> Fetched:
    if answer.status_code == 304:
        return Fetched(304, str(answer.url))
    if answer.status_code in _GONE:
        raise NotGiven(f"{url}: answered {answer.status_code}.")
    if answer.status_code >= 400:
        raise InvalidInput(f"{url}: answered {answer.status_code}.")
    parts: list[bytes] = []
    size = 0
    async for part in answer.aiter_bytes():
        size += len(part)
        if size > LARGEST_BODY:
            raise InvalidInput(f"{url}: larger than 64 MB.")
        parts.append(part)
    return Fetched(
        200,
        str(answer.url),
        b"".join(parts),
        answer.headers.get("Content-Type", "").partition(";")[0].strip().lower(),
        answer.headers.get("ETag"),
        parse_date(answer.headers.get("Last-Modified")),
    )


def parse_date(text: str | None) -> datetime | None:
    """A date of HTTP or of a sitemap; None for what is none."""
    if not text:
        return None
    try:
        parsed = parsedate_to_datetime(text) if "," in text else datetime.fromisoformat(text.strip())
    except (ValueError, TypeError):
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def _retry_after(text: str | None) -> float:
    if text and text.strip().isdigit():
        return float(text)
    at = parse_date(text)
    return max(0.0, (at - datetime.now(UTC)).total_seconds()) if at else 0.0


def _host(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise InvalidInput(f"{url}: not a URL of http or https.")
    return f"{parts.scheme}://{parts.netloc}"
