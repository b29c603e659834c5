"""Listens over Socket Mode. Does one thing with an event: puts it into the queue, and only then acknowledges it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from rookery_core.errors import unforeseen
from rookery_core.telemetry import get_logger
from rookery_slack.store import sync_state
from rookery_slackapi.socket_mode import leave, socket_client

if TYPE_CHECKING:
    from slack_sdk.socket_mode.aiohttp import SocketModeClient
    from slack_sdk.web.async_client import AsyncWebClient

    from rookery_core.database import Database
    from rookery_core.identity import Caller
    from rookery_core.queue import Queue

_log = get_logger(__name__)
TOPIC = "slack"
SUBSCRIPTION = "slack-ingest"
BEAT_S = 15.0


async def subscribe(queue: Queue) -> None:
    """Receive the topic. The order of a thread's events does not matter here, so they may be applied at once."""
    await queue.subscribe(
        TOPIC, SUBSCRIPTION, max_attempts=20, lease_s=60, key_concurrency=1000, internal=True
    )


def lane(payload: Mapping[str, Any]) -> str | None:
    """The ordering key of an event: its thread, for subscribers to whom the order matters."""
    event = cast("dict[str, Any]", payload.get("event") or {})
    channel, ts = event.get("channel"), event.get("thread_ts") or event.get("ts")
    return f"{channel}:{ts}" if isinstance(channel, str) and isinstance(ts, str) else None


class Listener:
    """Holds one socket. Any number of copies may run: Slack gives each event to one of them, the queue takes it once."""

    def __init__(
        self,
        database: Database,
        queue: Queue,
        caller: Caller,
        app_token: str,
        client: AsyncWebClient,
        *,
        ping_interval_s: float = 5,
    ) -> None:
        self._database = database
        self._queue = queue
        self._caller = caller
        self._app_token = app_token
        self._web = client
        self._ping_interval_s = ping_interval_s
        self._client: SocketModeClient | None = None
        self._beat_at: datetime | None = None
        self.published = 0

    async def start(self) -> None:
        """Connect; returns once the socket is open. It reconnects by itself from then on."""
        self._client = client = await socket_client(
            self._app_token,
            self._web,
            logger="rookery.ingest.slack.socket",
            ping_interval_s=self._ping_interval_s,
            listener=self._received,
        )
        await client.connect()

    async def _received(self, client: Any, request: Any) -> None:
        from slack_sdk.socket_mode.response import SocketModeResponse

        if request.type == "events_api":
            try:
                await self.publish(request.payload)
            except Exception as error:  # noqa: BLE001 any failure means: not stored, so not acknowledged
                again = "event not stored, so not acknowledged: Slack will send it again (%s)"
                _log.error(again, error, exc_info=unforeseen(error))
                return
        await client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id))

    async def publish(self, payload: Mapping[str, Any]) -> bool:
        """Put an event into the queue; durable when this returns. False when it was there before."""
        event_id = payload.get("event_id")
        key = str(event_id) if event_id else None
        stored = await self._queue.enqueue(TOPIC, payload, key=key, ordering_key=lane(payload))
        self.published += not stored.duplicate
        return not stored.duplicate

    async def is_connected(self) -> bool:
        """Whether the socket is open just now."""
        return self._client is not None and await self._client.is_connected()

    async def beat(self, channels: list[str]) -> bool:
        """Note that nothing was missed since the last beat; True when a connection began, so that there may be a gap."""
        now = datetime.now(UTC)
        if not await self.is_connected():
            self._beat_at = None
            return False
        began = self._beat_at is None
        async with self._database.transaction(self._caller) as connection:
            stretch = (self._beat_at or now, now)
            await sync_state.cover(connection, self._caller, dict.fromkeys(channels, stretch))
            await sync_state.set_mark(connection, self._caller, "listening", now)
        self._beat_at = now
        return began

    async def close(self) -> None:
        """Leave: what was not acknowledged goes to another socket."""
        client, self._client = self._client, None
        if client is not None:
            await leave(client)
