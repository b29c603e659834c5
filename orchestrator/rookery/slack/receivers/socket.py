"""Socket Mode: envelopes are stored, then acknowledged.

Slack's client starts the listeners of several envelopes concurrently in order of arrival; the intake keeps that order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rookery.slack.settings import BotSettings
from rookery_core.errors import ConfigurationError, unforeseen
from rookery_core.telemetry import get_logger
from rookery_slackapi.errors import SlackLockedOut, SlackRefused
from rookery_slackapi.socket_mode import leave, socket_client
from rookery_slackapi.web import SlackApi, connect

if TYPE_CHECKING:
    from slack_sdk.socket_mode.aiohttp import SocketModeClient

    from rookery.slack.receivers.intake import Intake
    from rookery.slack.receivers.interactions import Interactions

Json = dict[str, Any]
logger = get_logger(__name__)


class SocketReceiver:
    """The socket of one process."""

    def __init__(
        self, settings: BotSettings, api: SlackApi, intake: Intake, interactions: Interactions
    ) -> None:
        self._settings = settings
        self._api = api
        self._intake = intake
        self._interactions = interactions
        self._client: SocketModeClient | None = None

    async def start(self) -> None:
        """Connect; returns when the socket is open. It reconnects automatically. Raises ConfigurationError."""
        address = await self._first_address()
        self._client = client = await socket_client(
            self._settings.require_app_token(),
            self._api.client,
            logger="rookery.slack.socket_client",
            ping_interval_s=5 if not self._settings.emulated else 1,
            listener=self._received,
        )
        client.wss_uri = address
        await client.connect()

    async def close(self) -> None:
        """Disconnect; Slack sends unacknowledged envelopes to another socket."""
        client, self._client = self._client, None
        if client is not None:
            await leave(client)

    async def _first_address(self) -> str:
        """The URL of the first socket. With an invalid token Slack's client would retry without end."""
        api = connect(self._settings, self._settings.require_app_token())
        try:
            opened = await api("apps.connections.open")
        except (SlackLockedOut, SlackRefused) as refused:
            raise ConfigurationError(
                f"Slack does not open a socket for SLACK_APP_TOKEN: {refused.reason}.",
                hint="Create an app-level token with the scope connections:write, and turn Socket Mode on.",
            ) from None
        return str(opened["url"])

    async def _received(self, client: Any, request: Any) -> None:
        """Store an envelope, then acknowledge it. Slack sends an unacknowledged envelope again."""
        try:
            if request.type == "events_api":
                await self._intake.store_event(request.payload)
                answer: Json | None = None
            else:
                answer = await self._interactions.handle_interaction(request.type, request.payload)
        except Exception as error:
            logger.error(
                "envelope %s (%s) was not stored: %s", request.envelope_id, request.type, error,
                exc_info=unforeseen(error),
            )  # fmt: skip
            return
        await _acknowledge(client, request.envelope_id, answer)


async def _acknowledge(client: Any, envelope_id: str, answer: Json | None) -> None:
    from slack_sdk.socket_mode.response import SocketModeResponse

    try:
        await client.send_socket_mode_response(SocketModeResponse(envelope_id=envelope_id, payload=answer))
    except (OSError, RuntimeError, AttributeError) as error:
        logger.info("envelope %s was not acknowledged (%s); Slack will send it again", envelope_id, error)
