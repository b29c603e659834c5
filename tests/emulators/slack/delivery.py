"""From what happens to what the app is told: event wrappers, and their way over a socket or over HTTP."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import aiohttp

from emulators.slack.models import Channel, Json
from emulators.slack.sockets import Envelope
from emulators.slack.state import TEAM_ID

if TYPE_CHECKING:
    from emulators.slack.server import SlackEmulator

MESSAGE_EVENT = {
    "public": "message.channels",
    "private": "message.groups",
    "im": "message.im",
    "mpim": "message.mpim",
}
CHANNEL_TYPE = {"public": "channel", "private": "group", "im": "im", "mpim": "mpim"}


@dataclass
class HttpDelivery:
    """A request of Slack to the app's own URL, and what came back."""

    url: str
    body: bytes
    statuses: list[int] = field(default_factory=list[int])
    answer: Any = None


class Delivery:
    """Tells the app, over its sockets unless it has URLs."""

    def __init__(self, emulator: SlackEmulator) -> None:
        self._emulator = emulator
        self._serial = 0
        self.requests: list[HttpDelivery] = []
        self.retry_delay_s = 0.05
        self._running: set[asyncio.Task[None]] = set()

    def event(
        self, event: Json, channel: Channel | None = None, *, subscription: str | None = None
    ) -> Envelope | None:
        """Wrap an event and deliver it when the app is subscribed to it and in the channel."""
        app = self._emulator.state.app
        if (subscription or event["type"]) not in app.events:
            return None
        if channel is not None and app.bot_user not in channel.members:
            return None
        payload = self._wrapped(event, shared=bool(channel and channel.is_ext_shared))
        return self.send(payload)

    def send(self, payload: Json) -> Envelope | None:
        app = self._emulator.state.app
        if app.events_url is None:
            return self._emulator.sockets.send("events_api", payload)
        self._post(app.events_url, json.dumps(payload).encode(), "application/json")
        return None

    def _wrapped(self, event: Json, *, shared: bool) -> Json:
        self._serial += 1
        app, epoch = self._emulator.state.app, self._emulator.state.epoch
        return {
            "token": "emulator-verification-token",
            "team_id": TEAM_ID,
            "context_team_id": TEAM_ID,
            "api_app_id": app.id,
            "event": event,
            "type": "event_callback",
            "event_id": f"Ev{epoch:X}{self._serial:06d}",  # no two workspaces have the same ones
            "event_time": epoch + self._serial,
            "authorizations": [
                {"enterprise_id": None, "team_id": TEAM_ID, "user_id": app.bot_user, "is_bot": True}
            ],
            "is_ext_shared_channel": shared,
            "event_context": f"4-{self._serial}",
        }

    async def interact(self, kind: str, payload: Json) -> Json:
        """Deliver an interaction and return the app's acknowledgement payload."""
        app = self._emulator.state.app
        url = app.commands_url if kind == "slash_commands" else app.interactions_url
        if url is None:
            envelope = self._emulator.sockets.send(kind, payload, accepts_response=True)
            return await asyncio.wait_for(asyncio.shield(envelope.acked), 15)
        form = payload if kind == "slash_commands" else {"payload": json.dumps(payload)}
        request = HttpDelivery(url, urlencode(form).encode())
        await self._attempt(request, "application/x-www-form-urlencoded", 0)
        return request.answer or {}

    def _post(self, url: str, body: bytes, content_type: str) -> None:
        request = HttpDelivery(url, body)
        self.requests.append(request)
        task = asyncio.create_task(self._until_accepted(request, content_type))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _until_accepted(self, request: HttpDelivery, content_type: str) -> None:
        for attempt in range(4):
            if await self._attempt(request, content_type, attempt):
                return
            await asyncio.sleep(self.retry_delay_s)

    async def _attempt(self, request: HttpDelivery, content_type: str, attempt: int) -> bool:
        headers = self.signature(request.body) | {"Content-Type": content_type}
        if attempt:
            headers |= {"X-Slack-Retry-Num": str(attempt), "X-Slack-Retry-Reason": "http_error"}
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=3)) as session,
                session.post(request.url, data=request.body, headers=headers) as response,
            ):
                request.statuses.append(response.status)
                text = await response.text()
                request.answer = (
                    json.loads(text) if text.startswith("{") else {"text": text} if text else None
                )
                return response.status == 200
        except (aiohttp.ClientError, TimeoutError):
            request.statuses.append(0)
            return False
        finally:
            self._emulator.state.changed()

    def signature(self, body: bytes, *, at: int | None = None) -> dict[str, str]:
        """The two headers by which an app knows that a request is Slack's."""
        timestamp = str(at if at is not None else int(time.time()))
        secret = self._emulator.state.app.signing_secret.encode()
        digest = hmac.new(secret, f"v0:{timestamp}:".encode() + body, hashlib.sha256).hexdigest()
        return {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": f"v0={digest}"}

    async def close(self) -> None:
        for task in list(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
