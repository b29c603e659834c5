"""Slack's Socket Mode client, set up to reconnect after every kind of failure."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from rookery_core.telemetry import get_logger

if TYPE_CHECKING:
    from aiohttp import ClientSession
    from slack_sdk.socket_mode.aiohttp import SocketModeClient
    from slack_sdk.web.async_client import AsyncWebClient


async def socket_client(
    app_token: str, web_client: AsyncWebClient, *, logger: str, ping_interval_s: float, listener: Any
) -> SocketModeClient:
    """A client that is not connected yet. listener: is awaited with the client and each envelope."""
    from slack_sdk.socket_mode.aiohttp import SocketModeClient

    client = SocketModeClient(
        app_token,
        web_client=web_client,
        logger=get_logger(logger),
        ping_interval=ping_interval_s,
    )
    await client.aiohttp_client_session.close()
    client.aiohttp_client_session = _session_of(client)
    listeners: Any = client.socket_mode_request_listeners  # pyright: ignore[reportUnknownMemberType]
    listeners.append(listener)
    return client


async def leave(client: Any) -> None:
    """Close the socket, and wait until the client's own tasks have ended: its close() only cancels them."""
    await client.close()
    tasks = [client.message_processor, client.current_session_monitor, client.message_receiver]
    await asyncio.gather(*(task for task in tasks if task is not None), return_exceptions=True)


def _session_of(client: SocketModeClient) -> ClientSession:
    """A session that takes an address from Slack's client as soon as it is tried.

    Slack issues each address for one connection, but its client would retry a failed one without end.
    """
    from aiohttp import ClientSession, TraceConfig

    async def spent(*_: object) -> None:
        client.wss_uri = None

    trace = TraceConfig()
    trace.on_request_start.append(spent)
    return ClientSession(trace_configs=[trace])
