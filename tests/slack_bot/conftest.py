"""Fixtures of the Slack bot's tests: an emulated workspace with people in it, and the bot beside it."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from slack_sdk.web.async_client import AsyncWebClient

from emulators.slack import SlackEmulator
from emulators.slack.sample import Cast, furnish
from rookery.models.protocol import Model
from rookery.slack.app import run
from rookery.slack.settings import BotSettings
from rookery_core.settings import CoreSettings

StartBot = Callable[..., AbstractAsyncContextManager[None]]


@pytest.fixture
async def slack() -> AsyncIterator[SlackEmulator]:
    async with SlackEmulator(ack_timeout_s=1.0) as emulator:
        yield emulator


@pytest.fixture
def cast(slack: SlackEmulator) -> Cast:
    return furnish(slack.state)


@pytest.fixture
def sdk(slack: SlackEmulator) -> Any:
    """Slack's own client, without retries, so that a test sees every answer."""
    return AsyncWebClient(token=slack.state.app.bot_token, base_url=slack.api_url, retry_handlers=[])


@pytest.fixture
def bot_settings(slack: SlackEmulator, settings: CoreSettings, tmp_path: Path) -> Callable[..., BotSettings]:
    """Settings of a bot that talks to the emulator; what a test gives goes before."""
    servers = tmp_path / "mcp.json"
    servers.write_text(json.dumps({"mcpServers": {}}))

    def make(**changes: Any) -> BotSettings:
        app = slack.state.app
        values: dict[str, Any] = {
            "database_url": settings.database_url,
            "data_dir": settings.data_dir,
            "slack_bot_token": SecretStr(app.bot_token),
            "slack_app_token": SecretStr(app.app_token),
            "signing_secret": SecretStr(app.signing_secret),
            "slack_api_url": slack.api_url,
            "mcp_config": servers,
            "stream_interval_s": 0.0,
            "retry_base_s": 0.05,
            **changes,
        }
        return BotSettings(**values)

    return make


@pytest.fixture
def start_bot(slack: SlackEmulator, bot_settings: Callable[..., BotSettings]) -> StartBot:
    """`async with start_bot(model, …):` runs a whole bot, connected, until the block ends."""

    @asynccontextmanager
    async def start(model: Model | None = None, **changes: Any) -> AsyncGenerator[None]:
        stop = asyncio.Event()
        running = asyncio.create_task(run(bot_settings(**changes), stop, model=model))
        connecting = asyncio.create_task(slack.sockets.connected())
        done, _ = await asyncio.wait({running, connecting}, return_when=asyncio.FIRST_COMPLETED)
        if running in done:
            connecting.cancel()
            running.result()
        try:
            yield
        finally:
            stop.set()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait_for(running, 20)

    return start
