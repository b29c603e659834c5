"""The bot sees what it is asked about: alerts, forwarded messages, their files, and names in Slack's markup."""

from __future__ import annotations

from typing import Any

import pytest

from emulators.slack import SlackEmulator
from emulators.slack.sample import Cast
from rookery.models.protocol import ModelRequest
from slack_bot.conftest import StartBot
from slack_bot.reading import answered
from slack_bot.scripted import ScriptedModel

pytestmark = pytest.mark.slow

ALERT: list[dict[str, Any]] = [
    {
        "pretext": "Alertmanager",
        "title": "Disk of db1 is full",
        "title_link": "https://alerts.example/42",
        "text": "*95 %* used on `/var`",
        "fields": [{"title": "Severity", "value": "critical"}],
        "fallback": "an alert",
    }
]
BLOCKS: list[dict[str, Any]] = [
    {"type": "header", "text": {"type": "plain_text", "text": "Deploy 7 failed"}},
    {"type": "section", "fields": [{"type": "mrkdwn", "text": "*Stage*: canary"}]},
    {"type": "context", "elements": [{"type": "mrkdwn", "text": "by <@U0BOT>"}]},
]


def prompt_of(request: ModelRequest) -> str:
    return "".join(getattr(block, "text", "") for block in request.messages[0].blocks)


async def test_the_thread_of_an_alert_is_in_the_prompt_with_all_its_words(
    slack: SlackEmulator, cast: Cast, start_bot: StartBot
) -> None:
    model = ScriptedModel()
    async with start_bot(model):
        root = slack.people.alert(cast.general.id, "alerts", ALERT)
        slack.people.mention(cast.ada.id, cast.general.id, "what does it mean?", thread_ts=root)
        await answered(slack, cast.general.id, root)
        other = slack.people.alert(cast.general.id, "deploys", [], BLOCKS)
        slack.people.mention(cast.ada.id, cast.general.id, "and this?", thread_ts=other)
        await answered(slack, cast.general.id, other)
    first, second = (prompt_of(request) for request in model.requests)
    for words in ("Alertmanager", "Disk of db1 is full", "95 %", "/var", "Severity", "critical"):
        assert words in first
    for words in ("Deploy 7 failed", "Stage", "canary"):
        assert words in second


async def test_a_forwarded_message_is_seen_in_a_channel_in_a_thread_and_in_a_direct_message(
    slack: SlackEmulator, cast: Cast, start_bot: StartBot
) -> None:
    people, general, model = slack.people, cast.general.id, ScriptedModel()
    file = people.file(cast.grace.id, "df.txt", b"/dev/sda1 is at 100 %", "text/plain")
    original = people.say(cast.grace.id, general, "the disk is full since noon", files=[file])
    direct = slack.state.direct_message(cast.ada.id).id
    async with start_bot(model):
        asked = people.forward(cast.ada.id, general, original, general, "<@U0BOT> what now?")
        await answered(slack, general, asked)
        root = people.say(cast.ada.id, general, "look at this")
        people.forward(cast.ada.id, general, original, general, "<@U0BOT> what now?", thread_ts=root)
        await answered(slack, general, root)
        alone = people.forward(cast.ada.id, general, original, direct)
        await answered(slack, direct, alone)
    prompts = [prompt_of(request) for request in model.requests]
    assert len(prompts) == 3
    for prompt in prompts:
        assert "the disk is full since noon" in prompt and "Grace Hopper" in prompt
        assert "/dev/sda1 is at 100 %" in prompt
    assert "What do you say to the forwarded message?" in prompts[2]


async def test_a_forwarded_message_in_the_thread_is_in_the_prompt(
    slack: SlackEmulator, cast: Cast, start_bot: StartBot
) -> None:
    people, general, model = slack.people, cast.general.id, ScriptedModel()
    original = people.say(cast.grace.id, general, "the disk is full since noon")
    async with start_bot(model):
        root = people.forward(cast.ada.id, general, original, general, "see this")
        people.mention(cast.ada.id, general, "what now?", thread_ts=root)
        await answered(slack, general, root)
    assert "the disk is full since noon" in prompt_of(model.requests[0])


async def test_a_text_that_holds_the_bots_id_is_no_mention(
    slack: SlackEmulator, cast: Cast, start_bot: StartBot
) -> None:
    people, general, model = slack.people, cast.general.id, ScriptedModel()
    async with start_bot(model):
        for text in (
            "<https://rookery.slack.com/team/U0BOT>",
            "its id is U0BOT, says the log",
            "is <@U0BOT99> there?",
        ):
            people.say(cast.ada.id, general, text)
        await answered(slack, general, people.mention(cast.ada.id, general, "are you there?"))
    assert len(model.requests) == 1


async def test_slacks_markup_in_a_question_reads_as_slack_shows_it(
    slack: SlackEmulator, cast: Cast, start_bot: StartBot
) -> None:
    model = ScriptedModel()
    secret = slack.state.add_channel("secret-plans", [cast.ada.id], kind="private")
    question = (
        f"is <#{cast.general.id}|> like <#{secret.id}|>, for <@{cast.grace.id}>, <!subteam^S1|@oncall>, <!here>, "
        "by <!date^1392734382^{date}|Feb 18>, mail <mailto:a@b.example|us> &amp; go?"
    )
    async with start_bot(model):
        await answered(slack, cast.general.id, slack.people.mention(cast.ada.id, cast.general.id, question))
    prompt = prompt_of(model.requests[0])
    assert (
        f"is #general like #{secret.id}, for @Grace Hopper, @oncall, @here, by Feb 18 (2014-02-18T" in prompt
    )
    assert "mail [us](mailto:a@b.example) & go?" in prompt
    assert "secret-plans" not in prompt
