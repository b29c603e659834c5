"""The line under the thread that says what the bot is doing. Its failures are ignored."""

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
"""Slack removes a status after two minutes without a message."""
logger = get_logger(__name__)


class StatusLine:
    """The status of one question; a reaction where Slack offers no status line."""

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

    def show_status(self, text: str) -> None:
        """Show `text` soon; of several texts at once the last one is shown."""
        self._next = self._latest = text
        self._shown_at = self._clock()
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._send())

    def show_tool(self, name: str) -> None:
        self.show_status(f"is using {name.replace('_', ' ')[:60]}…")

    def renew_status(self) -> None:
        """Show the latest text again before Slack removes it. Call it regularly while the agent works."""
        if self._latest and self._clock() - self._shown_at > RENEW_AFTER_S:
            self.show_status(self._latest)

    async def clear_status(self) -> None:
        """Remove the status and wait until that is done."""
        self.show_status("")
        if self._running is not None:
            await self._running
        if not self._offered:  # the reaction may be that of an earlier attempt
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
        """Call a method; False when Slack refuses it. Only removing a status is worth waiting for a rate limit."""
        try:
            await self._api(method, wait=patiently, **arguments)
        except SlackRefused as refused:
            logger.debug("no status: %s", refused)
            return False
        except RookeryError as error:
            logger.debug("no status: %s", error)
        return True
