"""Socket Mode as it goes wrong: no address just now, an address that is spent, Slack that wants another connection."""

from __future__ import annotations

from typing import Any

import pytest

from emulators.slack import SlackEmulator
from emulators.slack.sample import Cast
from slack_bot.conftest import StartBot
from slack_bot.reading import answered
from slack_bot.scripted import ScriptedModel

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("kind", "details"),
    [
        ("rate_limit", {}),
        ("error", {"code": "internal_error"}),
        ("proxy", {"status": 503, "body": "upstream connect error", "content_type": "text/plain"}),
        ("lose_answer", {}),
    ],
)
async def test_no_address_just_now_is_waited_for(
    slack: SlackEmulator, cast: Cast, start_bot: StartBot, kind: Any, details: dict[str, Any]
) -> None:
    slack.faults.plan("apps.connections.open", kind, **details)
    async with start_bot(ScriptedModel()):
        root = slack.people.mention(cast.ada.id, cast.general.id, "are you there?")
        assert len(await answered(slack, cast.general.id, root)) == 1


async def test_an_address_is_tried_once(slack: SlackEmulator, cast: Cast, start_bot: StartBot) -> None:
    """Slack's client would try the first one again and again, which Slack does not take a second time."""
    slack.sockets.refusals = 2
    async with start_bot(ScriptedModel()):
        slack.sockets.refusals = 1
        await slack.sockets.drop()
        root = slack.people.mention(cast.ada.id, cast.general.id, "still there?")
        assert len(await answered(slack, cast.general.id, root, timeout=20)) == 1


@pytest.mark.parametrize("reason", ["warning", "refresh_requested", "too_many_websockets", "link_disabled"])
async def test_slack_asks_for_another_connection(
    slack: SlackEmulator, cast: Cast, start_bot: StartBot, reason: str
) -> None:
    async with start_bot(ScriptedModel()):
        if reason == "link_disabled":  # somebody turns Socket Mode off, and after a while on again
            slack.faults.plan("apps.connections.open", "error", code="not_allowed_token_type", times=2)
        slack.sockets.refresh(reason)
        if reason == "link_disabled":
            await slack.sockets.drop()
        root = slack.people.mention(cast.ada.id, cast.general.id, "and now?")
        assert len(await answered(slack, cast.general.id, root, timeout=20)) == 1
        assert slack.sockets.connections >= 2
