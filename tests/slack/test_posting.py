"""post_message and add_reaction against a Slack that fails: nothing is sent twice."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from fastmcp import Client
from fastmcp.client.transports import StdioTransport
from pydantic import SecretStr

from emulators.slack import SlackEmulator
from rookery_core.database import Database
from rookery_core.errors import Conflict, Unavailable
from rookery_core.identity import Caller, acting_as
from rookery_core.settings import CoreSettings
from rookery_slack.settings import SlackSettings
from rookery_slack.store.session import Store
from rookery_slack.tools.posts import PostingTools
from slack_facts import OpenGate, channel, person, together

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


@pytest.mark.parametrize("tool", ["post_message", "add_reaction"])
async def test_a_confirmation_is_good_once_in_all_copies_of_the_server(
    slack: SlackEmulator,
    room: str,
    slack_settings: SlackSettings,
    open_database: Callable[..., Awaitable[Database]],
    tool: str,
) -> None:
    changes = {
        "slack_posting": True,
        "slack_post_channels": ("general",),
        "slack_api_url": slack.api_url,
        "slack_bot_token": SecretStr(slack.state.app.bot_token),
        "context_key": SecretStr("k" * 48),
    }
    copies: list[Any] = []
    for _ in range(3):
        settings = slack_settings.model_copy(update=changes)
        gate: Any = OpenGate(await open_database("rookery_slack"))
        copies.append(PostingTools(Store(gate, settings), settings))
    ts = slack.people.say(slack.state.add_user("ada").id, room, "first").replace(".", "")
    arguments = {
        "post_message": ("general", "once"),
        "add_reaction": (f"https://x.slack.com/archives/{room}/p{ts}", "tada"),
    }[tool]
    with acting_as(ADA):
        draft = await getattr(copies[0], tool)(*arguments)
        outcomes = await asyncio.gather(
            *(getattr(copies[n % 3], tool)(*arguments, confirm=draft["confirm"]) for n in range(16)),
            return_exceptions=True,
        )
    assert [type(outcome).__name__ for outcome in outcomes].count("Conflict") == 15
    method = {"post_message": "chat.postMessage", "add_reaction": "reactions.add"}[tool]
    assert slack.faults.requests[method] == 1


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


@pytest.mark.slow
async def test_three_processes_accept_a_confirmation_once(
    slack: SlackEmulator, room: str, settings: CoreSettings
) -> None:
    assert settings.database_url is not None
    environment = os.environ | {
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "ROOKERY_EMBEDDER": "none",
        "ROOKERY_CONTEXT_KEY": "k" * 48,
        "ROOKERY_SLACK_POSTING": "true",
        "ROOKERY_SLACK_POST_CHANNELS": "general",
        "ROOKERY_SLACK_API_URL": slack.api_url,
        "SLACK_BOT_TOKEN": slack.state.app.bot_token,
    }
    command = str(Path(sys.executable).parent / "rookery-slack")
    ts = slack.people.say(slack.state.add_user("ada").id, room, "first").replace(".", "")
    calls = {
        "post_message": {"channel": "general", "text": "once"},
        "add_reaction": {"message": f"https://x.slack.com/archives/{room}/p{ts}", "emoji": "tada"},
    }
    async with contextlib.AsyncExitStack() as stack:
        processes = [
            await stack.enter_async_context(
                Client(StdioTransport(command, ["--as-user", "UADA"], env=environment, keep_alive=False))
            )
            for _ in range(3)
        ]
        for tool, arguments in calls.items():
            draft: Any = (await processes[0].call_tool(tool, arguments)).structured_content
            confirmed = arguments | {"confirm": draft["confirm"]}
            answers = await asyncio.gather(
                *(processes[n % 3].call_tool(tool, confirmed, raise_on_error=False) for n in range(9))
            )
            assert [answer.is_error for answer in answers].count(False) == 1
    assert slack.faults.requests["chat.postMessage"] == slack.faults.requests["reactions.add"] == 1
