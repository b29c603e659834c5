"""Standing rules: set up in words, judged as data, done as their owner, and never more than they may."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from emulators.slack import SlackEmulator
from emulators.slack.models import User
from emulators.slack.sample import Cast
from rookery.models.protocol import ModelRequest, ToolUse
from slack_bot.conftest import StartBot
from slack_bot.reading import answered, idle, told
from slack_bot.scripted import ScriptedModel, calling

OUTAGE = "the database is down"
AddRule = Callable[[User], Awaitable[None]]


def judging(request: ModelRequest) -> bool:
    return "You decide which standing rules" in request.system


def obedient() -> ScriptedModel:
    """Judges that every rule is met by what speaks of something that is down."""
    return ScriptedModel(answer=lambda text: "[1, 2, 3]" if "is down" in text else f"Done: {text}")


@pytest.fixture
def add_rule(owner_connection: asyncpg.Connection[Any], cast: Cast) -> AddRule:
    async def add(owner: User) -> None:
        await owner_connection.execute(
            "insert into agent.slack_rule (team, owner, name, channel, criteria, action, examples) "
            "values ('default', $1, 'outages', $2, 'somebody reports an outage', 'Summarise it.', $3)",
            owner.id,
            cast.general.id,
            ["the site does not load"],
        )

    return add


async def test_a_rule_is_made_listed_and_deleted_in_words(
    slack: SlackEmulator, cast: Cast, start_bot: StartBot, add_rule: AddRule
) -> None:
    await add_rule(cast.grace)
    rule = {"name": "outages", "criteria": "an outage", "action": "Summarise it."}
    steps = [
        ToolUse("1", "create_rule", {**rule, "channel": f"<#{cast.general.id}|general>"}),
        ToolUse("2", "create_rule", {**rule, "channel": cast.general.id}),
        ToolUse("3", "create_rule", rule),
        ToolUse("4", "create_rule", {**rule, "name": "elsewhere", "channel": cast.private.id}),
        ToolUse("5", "list_rules", {}),
        ToolUse("6", "delete_rule", {"rule_id": 1}),
        ToolUse("7", "delete_rule", {"rule_id": 2}),
        ToolUse("8", "delete_rule", {"rule_id": 2**70}),
        ToolUse("9", "list_rules", {}),
    ]
    model = ScriptedModel()
    async with start_bot(model):
        for use in steps:
            model.steps.append(calling(use))
            channel, root = slack.people.tell(cast.linus.id, "tell me when somebody reports an outage")
            await answered(slack, channel, root)
    replies = [str(request.messages[-1].blocks) for request in model.requests[1::2]]
    assert '"rule_id": 2' in replies[0]
    assert "You have a rule named 'outages' already." in replies[1]
    assert "channel must be a channel, not a direct message." in replies[2]
    assert "not a member of that channel" in replies[3]
    assert "an outage" in replies[4]
    assert "somebody reports an outage" not in replies[4]  # Grace's
    assert "There is no rule 1 of yours." in replies[5]
    assert '"deleted": "outages"' in replies[6]
    assert f"There is no rule {2**70} of yours." in replies[7]
    assert '"rules": []' in replies[8]


async def test_rule_and_message_are_data_to_the_judge(
    slack: SlackEmulator, cast: Cast, start_bot: StartBot, add_rule: AddRule
) -> None:
    await add_rule(cast.ada)
    model = obedient()
    async with start_bot(model):
        slack.people.say(cast.grace.id, cast.general.id, OUTAGE)
        await slack.state.wait_for(lambda: told(slack, cast.ada) != [])
    (request,) = [request for request in model.requests if judging(request)]
    prompt = "".join(getattr(block, "text", "") for block in request.messages[0].blocks)
    assert request.tools == ()
    for words in ("somebody reports an outage", "the site does not load", OUTAGE):
        before = prompt[: prompt.index(words)]
        assert before.count("<untrusted ") == before.count("</untrusted ") + 1


async def test_a_rule_is_done_as_its_owner(
    slack: SlackEmulator,
    cast: Cast,
    start_bot: StartBot,
    add_rule: AddRule,
    owner_connection: asyncpg.Connection[Any],
) -> None:
    await add_rule(cast.guest)
    await add_rule(cast.ada)
    slack.administration.join(cast.guest.id, cast.general.id)
    async with start_bot(obedient()):
        slack.people.say(cast.grace.id, cast.general.id, OUTAGE)
        await slack.state.wait_for(lambda: told(slack, cast.ada) != [] and told(slack, cast.guest) != [])
    runs = await owner_connection.fetch(
        "select asker, asker_kind from agent.runs where question = 'Summarise it.' order by asker"
    )
    assert [tuple(run) for run in runs] == [(cast.ada.id, "member"), (cast.guest.id, "guest")]
    assert told(slack, cast.grace) == []


async def test_what_no_rule_acts_on(
    slack: SlackEmulator,
    cast: Cast,
    start_bot: StartBot,
    add_rule: AddRule,
    owner_connection: asyncpg.Connection[Any],
) -> None:
    """A bot's message, a message of another channel, and anything once its owner has left the channel."""
    await add_rule(cast.ada)
    model = obedient()
    async with start_bot(model):
        slack.people.say(slack.state.app.bot_user, cast.general.id, OUTAGE)
        slack.people.say(cast.grace.id, cast.database.id, OUTAGE)
        slack.people.say(cast.grace.id, cast.general.id, "lunch?")
        while not any(judging(request) for request in model.requests):
            await asyncio.sleep(0)
        slack.administration.leave(cast.ada.id, cast.general.id)
    async with start_bot(model):  # one that has not looked who is in the channel
        slack.people.say(cast.grace.id, cast.general.id, OUTAGE)
        root = slack.people.mention(cast.grace.id, cast.general.id, "still there?")
        await answered(slack, cast.general.id, root)
        await idle(owner_connection)
    assert [request.question for request in model.requests if judging(request)] == ["lunch?"]
    assert told(slack, cast.ada) == []


async def test_a_rule_rests_when_it_has_acted_often_in_an_hour(
    slack: SlackEmulator,
    cast: Cast,
    start_bot: StartBot,
    add_rule: AddRule,
    owner_connection: asyncpg.Connection[Any],
) -> None:
    """Also when many messages are judged at the same time."""
    await add_rule(cast.ada)
    for _ in range(8):
        slack.people.say(cast.grace.id, cast.general.id, OUTAGE)
    async with start_bot(obedient(), rule_hourly_limit=2):
        await slack.state.wait_for(lambda: len(told(slack, cast.ada)) >= 2)
        await idle(owner_connection)
        assert len(told(slack, cast.ada)) == 2
        await owner_connection.execute("update agent.slack_rule_match set at = at - interval '61 minutes'")
        slack.people.say(cast.grace.id, cast.general.id, OUTAGE)
        await slack.state.wait_for(lambda: len(told(slack, cast.ada)) == 3)
