"""Buttons, forms, slash commands, offers: what people click and type."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulators.slack import SlackEmulator
from emulators.slack.sample import Cast
from rookery.models.protocol import ToolUse
from rookery.slack.people.reminders import next_time
from rookery.slack.text.blocks import (
    CONFIRM,
    FEEDBACK_DOWN,
    FEEDBACK_TEXT,
    FEEDBACK_UP,
    OFFER_NO,
    OFFER_YES,
)
from rookery_core.database import Database
from slack_bot.conftest import StartBot
from slack_bot.reading import answered, idle, said, told
from slack_bot.scripted import ScriptedModel, calling

RULE = ToolUse("1", "create_rule", {"name": "outages", "criteria": "an outage", "action": "summarise it"})


async def rows(database: Database, query: str) -> list[dict[str, Any]]:
    async with database.acquire() as connection:
        return [dict(row.items()) for row in await connection.fetch(query)]


async def test_feedback_is_kept_with_the_trace(
    slack: SlackEmulator, cast: Cast, start_bot: StartBot, open_database: Any
) -> None:
    database = await open_database("rookery_agent")
    async with start_bot(ScriptedModel(), feedback_channel=cast.private.id):
        root = slack.people.mention(cast.ada.id, cast.general.id, "rate me")
        await answered(slack, cast.general.id, root)
        (answer,) = said(slack, cast.general.id, root)
        await slack.people.click(cast.ada.id, cast.general.id, answer.ts, FEEDBACK_DOWN)
        await slack.people.click(cast.ada.id, cast.general.id, answer.ts, FEEDBACK_UP)
        await slack.people.click(cast.grace.id, cast.general.id, answer.ts, FEEDBACK_TEXT)
        (view,) = slack.state.views.values()
        filled = {
            "comment": {"text": {"value": "Too short."}},
            "stars": {"choice": {"selected_option": {"value": "2"}}},
        }
        await slack.people.submit(cast.grace.id, view, filled)
        unrated = {
            "comment": {"text": {"value": "Still too short."}},
            "stars": {"choice": {"selected_option": None}},
        }
        await slack.people.submit(cast.grace.id, view, unrated)
        forged = {
            "comment": {"text": {"value": "x"}},
            "stars": {"choice": {"selected_option": {"value": "9"}}},
        }
        await slack.people.submit(cast.ada.id, view, forged)
        found = await rows(database, "select * from agent.slack_feedback order by user_id")
        (question,) = await rows(database, "select trace_id from agent.slack_question")
    assert [(row["user_id"], row["rating"], row["comment"], row["stars"]) for row in found] == [
        (cast.ada.id, 1, "x", None),
        (cast.grace.id, None, "Still too short.", 2),
    ]
    assert {row["trace_id"] for row in found} == {question["trace_id"]}
    assert "Thank you for the feedback." in slack.screen.ephemerals(cast.ada.id)[1]
    assert "stored with the answer" in slack.screen.ephemerals(cast.grace.id)[-1]
    forwarded = [message.text for message in slack.screen.channel(cast.private.id)]
    assert any("2 of 5" in text and "Too short." in text for text in forwarded)


async def test_a_form_that_did_not_open_is_told_of(
    slack: SlackEmulator, cast: Cast, start_bot: StartBot
) -> None:
    async with start_bot(ScriptedModel()):
        root = slack.people.mention(cast.ada.id, cast.general.id, "why?")
        await answered(slack, cast.general.id, root)
        (shown,) = said(slack, cast.general.id, root)
        slack.faults.plan("views.open", "error", code="expired_trigger_id")
        await slack.people.click(cast.ada.id, cast.general.id, shown.ts, FEEDBACK_TEXT)
        await slack.state.wait_for(lambda: slack.screen.ephemerals(cast.ada.id) != [])
    assert "press Comment again" in slack.screen.ephemerals(cast.ada.id)[0]


async def test_a_day_without_feedback_ends_with_one_reminder(
    slack: SlackEmulator, cast: Cast, start_bot: StartBot, owner_connection: asyncpg.Connection[Any]
) -> None:
    async with start_bot(ScriptedModel(), feedback_reminder_hour=15):
        roots = [slack.people.mention(cast.ada.id, cast.general.id, f"question {n}?") for n in range(3)]
        foreign = slack.people.mention(cast.partner.id, cast.shared.id, "from outside?")
        await answered(slack, cast.shared.id, foreign)
        answers: list[str] = []
        for root in roots:
            await answered(slack, cast.general.id, root)
            answers.append(said(slack, cast.general.id, root)[0].ts)
        await slack.people.click(cast.ada.id, cast.general.id, answers[1], FEEDBACK_UP)
        planned = await owner_connection.fetch(
            "select key, run_at from queue.event where topic = 'slack-actions'"
        )
        assert len(planned) == 1  # one for the person and day, none for outsiders
        local = planned[0]["run_at"].astimezone(ZoneInfo(cast.ada.tz))
        assert (local.hour, local.minute) == (15, 0)
        assert planned[0]["key"] == f"remind:{cast.ada.id}:{local:%Y-%m-%d}"
        await owner_connection.execute("update queue.event set run_at = now() where topic = 'slack-actions'")
        await slack.state.wait_for(lambda: told(slack, cast.ada) != [])
    (reminder,) = told(slack, cast.ada)
    assert "question 0?" in reminder
    assert "question 1?" not in reminder
    assert "question 2?" in reminder


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)),
    st.integers(0, 23),
    st.sampled_from(["UTC", "Europe/London", "America/New_York", "Asia/Kolkata", "Pacific/Auckland"]),
)
def test_a_reminder_is_due_at_its_hour_within_a_day(now: datetime, hour: int, zone: str) -> None:
    here = now.replace(tzinfo=UTC).astimezone(ZoneInfo(zone))
    due = next_time(here, hour)
    assert due.hour == hour
    wait = due.astimezone(UTC) - here.astimezone(UTC)
    assert (
        timedelta(hours=-1) <= wait <= timedelta(hours=25)
    )  # a clock that is put back shows some hours twice


async def test_commands_need_an_admin_and_are_audited(
    slack: SlackEmulator, cast: Cast, start_bot: StartBot, open_database: Any
) -> None:
    database = await open_database("rookery_agent")

    async def typed(user: str, text: str) -> str:
        answer = await slack.people.command(user, cast.general.id, "/rookery", text)
        return str(answer["text"])

    async with start_bot(ScriptedModel(), admins=(cast.ada.id,)):
        assert "Only admins" in await typed(cast.grace.id, f"users admins add <@{cast.grace.id}>")
        assert "is now an admin" in await typed(cast.ada.id, f"users admins add <@{cast.grace.id}|grace>")
        assert "already" in await typed(cast.grace.id, f"users admins add <@{cast.grace.id}>")
        assert "by configuration" in await typed(cast.grace.id, "users admins list")
        assert "is now ignored" in await typed(cast.grace.id, f"users ignored add <@{cast.linus.id}>")
        assert "/rookery help" in await typed(cast.linus.id, "")
        assert "messages delete" not in await typed(cast.linus.id, "help")
        assert "There is no command" in await typed(cast.ada.id, "frobnicate")
        assert "`agent`" in await typed(cast.ada.id, "queue")
        silent = slack.people.mention(cast.linus.id, cast.general.id, "can you hear me?")
        root = slack.people.mention(cast.ada.id, cast.general.id, "delete this")
        await answered(slack, cast.general.id, root)
        (answer,) = said(slack, cast.general.id, root)
        link = f"https://rookery.slack.com/archives/{cast.general.id}/p{answer.ts.replace('.', '')}"
        assert "deleted" in await typed(cast.ada.id, f"messages delete {link}")
        audit = await typed(cast.ada.id, "audit")
    assert said(slack, cast.general.id, root) == []
    assert said(slack, cast.general.id, silent) == []
    assert not [status for status in slack.state.statuses if status.thread_ts == silent]
    assert "refused" in audit
    lines = await rows(database, "select actor, command, allowed from agent.slack_audit order by id")
    assert lines[0] == {
        "actor": cast.grace.id,
        "command": f"users admins add <@{cast.grace.id}>",
        "allowed": False,
    }


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("users admins remove <@{ada}>", "<@{ada}> is an admin by configuration"),
        ("users admins add <@{ada}>", "<@{ada}> is an admin by configuration"),
        ("users admins add nobody", "@user must be a person."),
        ("rules delete", "ID must be the number of a rule."),
        ("rules delete ²", "ID must be the number of a rule."),
        ("rules delete 7", "There is no rule 7."),
        ("rules delete 99999999999999999999", "There is no rule 99999999999999999999."),
        ("feedback soon", "DAYS must be a whole number from 1 to 3650."),
        ("feedback 0", "DAYS must be a whole number from 1 to 3650."),
        ("feedback 99999", "DAYS must be a whole number from 1 to 3650."),
        ("feedback 7", "In the last 7 days: 0 👍"),
        ("messages delete https://example.com", "PERMALINK must be the link of a message."),
        (
            "messages delete https://rookery.slack.com/archives/{general}/p1790000000000001",
            "There is no message of the bot",
        ),
        ("messages delete {link}", "There is no message of the bot"),
    ],
)
async def test_what_cannot_be_done_is_said_as_it_is(
    slack: SlackEmulator, cast: Cast, start_bot: StartBot, text: str, told: str
) -> None:
    ts = slack.people.say(cast.grace.id, cast.general.id, "my own words")
    link = f"https://rookery.slack.com/archives/{cast.general.id}/p{ts.replace('.', '')}"
    places = {"ada": cast.ada.id, "general": cast.general.id, "link": link}
    async with start_bot(ScriptedModel(), admins=(cast.ada.id,)):
        answer = await slack.people.command(cast.ada.id, cast.general.id, "/rookery", text.format(**places))
    assert str(answer["text"]).startswith(told.format(**places))


async def test_a_list_that_is_too_long_for_slack_says_how_much_is_left_out(
    slack: SlackEmulator, cast: Cast, start_bot: StartBot, open_database: Any
) -> None:
    database = await open_database("rookery_agent")
    async with database.acquire() as connection:
        await connection.execute(
            "insert into agent.slack_rule (team, owner, name, channel, criteria, action) "
            "select 'default', $1, 'rule ' || n, $2, repeat('an outage ', 60), 'Say so.' from generate_series(1, 20) n",
            cast.ada.id,
            cast.general.id,
        )
    async with start_bot(ScriptedModel()):
        answer = await slack.people.command(cast.ada.id, cast.general.id, "/rookery", "rules list")
    lines = str(answer["text"]).splitlines()
    assert lines[-1] == f"… and {20 - (len(lines) - 1)} more lines"
    assert len(answer["text"]) < 4000
    assert all("*rule " in line for line in lines[:-1])


async def test_who_is_ignored_is_not_heard_in_any_way(
    slack: SlackEmulator, cast: Cast, start_bot: StartBot, owner_connection: asyncpg.Connection[Any]
) -> None:
    """Neither by an edit of what was answered, nor by a button, nor by a rule of theirs or a message that meets one."""
    for owner in (cast.ada.id, cast.grace.id):
        await owner_connection.execute(
            "insert into agent.slack_rule (team, owner, name, channel, criteria, action) "
            "values ('default', $1, 'lunch', $2, 'somebody speaks of lunch', 'Say when.')",
            owner,
            cast.general.id,
        )

    def answer(question: str) -> str:
        return "[1, 2]" if "lunch" in question else f"The answer to: {question}"

    async with start_bot(ScriptedModel(answer=answer), admins=(cast.ada.id,)):
        root = slack.people.mention(cast.grace.id, cast.general.id, "cats?")
        before = await answered(slack, cast.general.id, root)
        await idle(owner_connection)
        ignore = f"users ignored add <@{cast.grace.id}>"
        await slack.people.command(cast.ada.id, cast.general.id, "/rookery", ignore)
        (shown,) = said(slack, cast.general.id, root)
        await slack.people.click(cast.grace.id, cast.general.id, shown.ts, FEEDBACK_DOWN)
        slack.people.edit(cast.general.id, root, "<@U0BOT> dogs?")
        slack.people.say(cast.grace.id, cast.general.id, "lunch is ready")
        slack.people.say(cast.linus.id, cast.general.id, "so is my lunch")
        await slack.state.wait_for(lambda: told(slack, cast.ada) != [])
        await idle(owner_connection)
        assert await answered(slack, cast.general.id, root) == before
        (word,) = told(slack, cast.ada)
        assert await owner_connection.fetchval("select count(*) from agent.slack_feedback") == 0
    assert slack.screen.ephemerals(cast.grace.id) == []
    assert "Your rule “lunch” matched" in word
    assert [
        line for line in slack.screen.channel(slack.state.direct_message(cast.grace.id).id) if line.from_app
    ] == []


async def test_what_was_answered_before_its_author_was_ignored_stays_answered(
    slack: SlackEmulator, cast: Cast, start_bot: StartBot, owner_connection: asyncpg.Connection[Any]
) -> None:
    """Slack tells of a mention twice, and may be late with the second time."""
    async with start_bot(ScriptedModel(), admins=(cast.ada.id,)):
        root = slack.people.mention(cast.grace.id, cast.general.id, "cats?")
        await answered(slack, cast.general.id, root)
        ignore = f"users ignored add <@{cast.grace.id}>"
        await slack.people.command(cast.ada.id, cast.general.id, "/rookery", ignore)
        slack.delivery.event(slack.sockets.delivered[0].payload["event"])
        await slack.state.wait_for(lambda: not slack.sockets.unacked)
        await idle(owner_connection)
    assert await owner_connection.fetchval("select state from agent.slack_question") == "answered"


async def test_proactive_channels_offer_and_never_barge_in(
    slack: SlackEmulator, cast: Cast, start_bot: StartBot
) -> None:
    async with start_bot(ScriptedModel(), proactive_channels=(cast.database.id,)):
        wanted = slack.people.say(cast.grace.id, cast.database.id, "does anybody know how vacuum works?")
        slack.people.say(cast.grace.id, cast.database.id, "lunch is at noon today, everybody")
        slack.people.say(cast.grace.id, cast.general.id, "does anybody know how vacuum works?")
        await slack.state.wait_for(lambda: len(slack.state.ephemerals) == 1)
        (offer,) = slack.state.ephemerals
        assert (offer.user, offer.channel) == (cast.grace.id, cast.database.id)
        assert said(slack, cast.database.id, wanted) == []
        await slack.people.click(cast.grace.id, cast.database.id, offer.ts, OFFER_YES)
        await slack.people.click(cast.grace.id, cast.database.id, offer.ts, OFFER_YES)
        (text,) = await answered(slack, cast.database.id, wanted)
        slack.people.say(cast.linus.id, cast.database.id, "and how does analyze work, anyone?")
        await slack.state.wait_for(lambda: len(slack.state.ephemerals) == 2)
        declined = slack.state.ephemerals[1]
        await slack.people.click(cast.linus.id, cast.database.id, declined.ts, OFFER_NO)
    assert text.startswith("The answer to: does anybody know how vacuum works?")
    assert any(response.get("text") == "All right." for response in slack.responses)


async def test_a_writing_tool_waits_for_its_askers_button_and_runs_once(
    slack: SlackEmulator, cast: Cast, start_bot: StartBot
) -> None:
    """The thread holds words of others, so the rule is not created before Ada, and only Ada, says yes."""
    model = ScriptedModel(steps=[calling(RULE)])
    root = slack.people.say(cast.grace.id, cast.general.id, "we had an outage")
    async with start_bot(model, admins=(cast.ada.id,)):
        slack.people.mention(
            cast.ada.id, cast.general.id, "tell me about outages from now on", thread_ts=root
        )
        (text,) = await answered(slack, cast.general.id, root)
        assert "Shall I do this?" in text
        (answer,) = said(slack, cast.general.id, root)
        for user in (cast.grace.id, cast.ada.id, cast.ada.id):
            await slack.people.click(user, cast.general.id, answer.ts, CONFIRM)
        await slack.state.wait_for(lambda: "Done: " in _all(slack, cast.general.id, root))
        listed = await slack.people.command(cast.ada.id, cast.general.id, "/rookery", "rules list")
        nobody = await slack.people.command(cast.grace.id, cast.general.id, "/rookery", "rules list")
    assert str(listed["text"]).count("outages") == 1
    assert "You have no rules" in str(nobody["text"])
    assert _all(slack, cast.general.id, root).count("Done: ") == 1


async def test_an_outage_does_not_use_up_a_yes(slack: SlackEmulator, cast: Cast, start_bot: StartBot) -> None:
    root = slack.people.say(cast.grace.id, cast.general.id, "we had an outage")
    async with start_bot(ScriptedModel(steps=[calling(RULE)]), slack_patience_s=0.0):
        slack.people.mention(cast.ada.id, cast.general.id, "tell me about outages", thread_ts=root)
        await answered(slack, cast.general.id, root)
        (answer,) = said(slack, cast.general.id, root)
        slack.faults.plan("users.info", "server_error", times=3, code="service_unavailable")
    async with start_bot(ScriptedModel(), slack_patience_s=0.0):  # one that knows nobody yet
        await slack.people.click(cast.ada.id, cast.general.id, answer.ts, CONFIRM)
        await slack.state.wait_for(lambda: "Done: " in _all(slack, cast.general.id, root), 20)


async def test_a_confirmed_call_that_was_interrupted_is_not_repeated_and_said_so(
    slack: SlackEmulator, cast: Cast, start_bot: StartBot, owner_connection: asyncpg.Connection[Any]
) -> None:
    root = slack.people.say(cast.grace.id, cast.general.id, "we had an outage")
    async with start_bot(ScriptedModel(steps=[calling(RULE)])):
        slack.people.mention(cast.ada.id, cast.general.id, "tell me about outages", thread_ts=root)
        await answered(slack, cast.general.id, root)
        (answer,) = said(slack, cast.general.id, root)
        # as a worker leaves it that dies between taking the call and telling what came of it
        await owner_connection.execute("update agent.pending_actions set state = 'confirmed'")
        await slack.people.click(cast.ada.id, cast.general.id, answer.ts, CONFIRM)
        await slack.state.wait_for(lambda: "I was interrupted" in _all(slack, cast.general.id, root))
    assert await owner_connection.fetchval("select count(*) from agent.slack_rule") == 0
    (action,) = await owner_connection.fetch("select state, result from agent.pending_actions")
    assert tuple(action) == ("failed", "interrupted")


def _all(slack: SlackEmulator, channel: str, root: str) -> str:
    return "\n".join(message.text for message in said(slack, channel, root))


@pytest.mark.parametrize("judged", ["[1]", "[]", "I think [1, 1, 7] fits"])
async def test_a_standing_rule_is_judged_and_tells_its_owner_once(
    slack: SlackEmulator, cast: Cast, start_bot: StartBot, open_database: Any, judged: str
) -> None:
    database = await open_database("rookery_agent")
    async with database.acquire() as connection:
        await connection.execute(
            "insert into agent.slack_rule (team, owner, name, channel, criteria, action) "
            "values ('default', $1, 'outages', $2, 'somebody reports an outage', 'Summarise it.')",
            cast.ada.id,
            cast.general.id,
        )
    model = ScriptedModel(answer=lambda q: judged if "is down" in q else f"Summary after: {q}")
    async with start_bot(model):
        slack.people.say(cast.grace.id, cast.general.id, "the database is down")
        if "[1" in judged:
            await slack.state.wait_for(lambda: told(slack, cast.ada) != [])
        else:
            while not model.requests:
                await asyncio.sleep(0)
    words = told(slack, cast.ada)
    assert len(words) == (1 if "1" in judged else 0)
    async with (
        database.acquire() as connection
    ):  # what the judging cost is written down, for nobody in particular
        (judging,) = await connection.fetch(
            "select r.*, (select count(*) from agent.model_calls c where c.trace_id = r.trace_id) as calls "
            "from agent.runs r where asker_kind = 'agent'"
        )
    assert (judging["asker"], judging["channel"], judging["calls"]) == (None, cast.general.id, 1)
    assert judging["question"] == f"Which of 1 standing rules does a message in {cast.general.id} meet?"
    assert (judging["answer"], judging["model_requests"]) == (judged, 1)
    if words:
        assert "Your rule “outages” matched" in words[0]
        assert "Summary after: Summarise it." in words[0]
