"""Fixtures of the Slack bot's tests: an emulated workspace with people in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from emulators.slack import SlackEmulator
from emulators.slack.sample import Cast, furnish


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
