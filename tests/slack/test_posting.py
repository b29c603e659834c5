"""post_message and add_reaction against a Slack that fails: nothing is sent twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from pydantic import SecretStr

from emulators.slack import SlackEmulator
from rookery_core.errors import Conflict, Unavailable
from rookery_core.identity import Caller, acting_as
from rookery_slack.settings import SlackSettings
from rookery_slack.store.session import Store
from rookery_slack.tools.posts import PostingTools
from slack_facts import channel, person, together

ADA = Caller(kind="member", user="UADA")


@pytest_asyncio.fixture
async def slack() -> AsyncIterator[SlackEmulator]:
    async with SlackEmulator() as emulator:
        yield emulator


@pytest_asyncio.fixture
async def room(slack: SlackEmulator, fill: Any) -> str:
    """A channel that exists in the emulator and in the store."""
    room = slack.state.add_channel("general", [])
    await fill(together(channel(room.id, "general"), person("UADA", "Ada")))
    return room.id


@pytest.fixture
def tools(slack: SlackEmulator, store: Store, slack_settings: SlackSettings) -> PostingTools:
    changes = {
        "slack_posting": True,
        "slack_post_channels": ("general",),
        "slack_api_url": slack.api_url,
        "slack_bot_token": SecretStr(slack.state.app.bot_token),
    }
    return PostingTools(store, slack_settings.model_copy(update=changes))


async def test_a_post_whose_answer_is_lost_is_sent_once(
    slack: SlackEmulator, tools: PostingTools, room: str
) -> None:
    slack.faults.plan("chat.postMessage", "lose_answer")
    with acting_as(ADA):
        draft = await tools.post_message("general", "once")
        with pytest.raises(Unavailable, match="unknown"):
            await tools.post_message("general", "once", confirm=draft.get("confirm"))
        with pytest.raises(Conflict):
            await tools.post_message("general", "once", confirm=draft.get("confirm"))
    assert [message.text for message in slack.state.in_order(room)] == ["once"]
