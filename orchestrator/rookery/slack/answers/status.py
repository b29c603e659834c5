"""The line under the thread that says what the bot is doing. It is decoration: nothing fails because of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from rookery_core.errors import RookeryError
from rookery_core.telemetry import get_logger
from rookery_slackapi.errors import SlackRefused
from rookery_slackapi.web import SlackApi

THINKING = "is thinking…"
RENEW_AFTER_S = 90.0
"""Slack takes a status away after two minutes in which nothing was said."""
logger = get_logger(__name__)


class StatusLine:
    """Shows what is going on for one question; where Slack offers no status line, a reaction stands in."""

    def __init__(
        self,
        api: SlackApi,
        channel: str,
        thread_ts: str,
        message_ts: str,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._api = api
        self._channel = channel
        self._thread_ts = thread_ts
        self._message_ts = message_ts
        self._running: asyncio.Task[None] | None = None
        self._next: str | None = None
        self._clock = clock
        self._latest = ""
        self._shown_at = clock()
        self._reacted = False
        self._offered = True

    def show(self, text: str) -> None:
        """Show `text` soon; the newest text wins when several come at once."""
        self._next = self._latest = text
        self._shown_at = self._clock()
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._send())

    def tool(self, name: str) -> None:
        self.show(f"is using {name.replace('_', ' ')[:60]}…")

    def renew(self) -> None:
        """Show the latest text again before Slack takes it away. Called while the work goes on."""
        if self._latest and self._clock() - self._shown_at > RENEW_AFTER_S:
            self.show(self._latest)

    async def clear(self) -> None:
        """Take the status away and wait until that is done."""
        self.show("")
        if self._running is not None:
            await self._running
        if not self._offered:  # the reaction may be that of a worker before this one
            self._reacted = False
            await self._quietly(
                "reactions.remove", True, timestamp=self._message_ts, channel=self._channel, name="eyes"
            )

    async def _send(self) -> None:
        while self._next is not None:
            text, self._next = self._next, None
            if self._offered:
                self._offered = await self._quietly(
                    "assistant.threads.setStatus",
                    not text,
                    channel_id=self._channel,
                    thread_ts=self._thread_ts,
                    status=text,
                )
            if not self._offered and not self._reacted and text:
                self._reacted = True
                await self._quietly(
                    "reactions.add", False, channel=self._channel, timestamp=self._message_ts, name="eyes"
                )

    async def _quietly(self, method: str, patiently: bool, **arguments: str) -> bool:
        """False when Slack refuses the call for good. What is late is not shown any more, but it is taken away."""
        try:
            await self._api(method, wait=patiently, **arguments)
        except SlackRefused as refused:
            logger.debug("no status: %s", refused)
            return False
        except RookeryError as error:
            logger.debug("no status: %s", error)
        return True
