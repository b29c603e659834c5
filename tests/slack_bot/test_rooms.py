"""Who reads the answer: what the bot takes a room for, and showing more than a room may see after the asker's yes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from emulators.slack import SlackEmulator
from emulators.slack.sample import Cast
from rookery.models.protocol import ToolUse
from rookery.slack.people.directory import Directory
from rookery.slack.settings import BotSettings
from rookery.slack.text.blocks import CONFIRM
from rookery_slackapi.web import connect
from slack_bot.conftest import StartBot
from slack_bot.reading import answered, said
from slack_bot.scripted import ScriptedModel, calling

pytestmark = pytest.mark.slow
WIDER = "The vault opens with marmalade."


async def test_a_room_is_taken_for_what_its_readers_are(
    slack: SlackEmulator, cast: Cast, bot_settings: Callable[..., BotSettings]
) -> None:
    directory = Directory(connect(bot_settings()))
    direct = slack.state.direct_message(cast.ada.id)
    wanted = {
        direct.id: "direct",
        cast.general.id: "public",
        cast.private.id: "private",
        cast.database.id: "guests",
        cast.shared.id: "shared",
        "C0UNKNOWN": "shared",
    }
    assert {channel: (await directory.find_room(channel)).kind for channel in wanted} == wanted


async def test_a_large_room_is_compared_with_the_staff(
    slack: SlackEmulator,
    cast: Cast,
    bot_settings: Callable[..., BotSettings],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("rookery.slack.people.directory.MAX_LOOKED_UP", 1)
    directory = Directory(connect(bot_settings()))
    assert (await directory.find_room(cast.general.id)).kind == "public"
    assert (await directory.find_room(cast.database.id)).kind == "guests"


async def test_more_than_the_room_may_see_is_shown_after_a_yes_to_exactly_that(
    slack: SlackEmulator, cast: Cast, start_bot: StartBot
) -> None:
    model = ScriptedModel(
        answer=lambda question: WIDER if question == "How does the vault open?" else "I found nothing here.",
        steps=[calling(ToolUse("1", "look_further", {"question": "How does the vault open?"}))],
    )
    async with start_bot(model):
        asked = slack.people.mention(cast.ada.id, cast.database.id, "how does it open?")
        (text,) = await answered(slack, cast.database.id, asked)
        (offer,) = slack.state.ephemerals
        assert (offer.user, WIDER in str(offer.blocks)) == (cast.ada.id, True)
        assert not any("marmalade" in str(request.messages) for request in model.requests)
        assert "marmalade" not in text
        await slack.people.click(cast.grace.id, cast.database.id, offer.ts, CONFIRM)
        await slack.state.wait_for(lambda: len(slack.state.ephemerals) == 2)
        assert "not yours to decide" in slack.screen.ephemerals(cast.grace.id)[0]
        assert len(said(slack, cast.database.id, asked)) == 1
        await slack.people.click(cast.ada.id, cast.database.id, offer.ts, CONFIRM)
        await slack.state.wait_for(lambda: len(said(slack, cast.database.id, asked)) == 2)
    assert said(slack, cast.database.id, asked)[1].text == WIDER


async def test_a_direct_message_asks_for_no_further_yes(
    slack: SlackEmulator, cast: Cast, start_bot: StartBot
) -> None:
    model = ScriptedModel()
    channel = slack.state.direct_message(cast.ada.id).id
    async with start_bot(model):
        for number in range(3):
            asked = slack.people.say(cast.ada.id, channel, f"question {number}")
            await answered(slack, channel, asked)
            (message,) = said(slack, channel, asked)
            assert CONFIRM not in str(message.blocks)
    assert slack.state.ephemerals == []
    assert all("look_further" not in {tool.name for tool in request.tools} for request in model.requests)
