"""A question asked in Slack is answered in its thread, once, for who asks, while they watch."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest

from emulators.slack import SlackEmulator
from emulators.slack.sample import Cast
from rookery.models.protocol import Listener, ModelOverloaded, ModelReply, ModelRequest, ToolUse
from rookery_core.database import Database
from rookery_core.queue import Queue
from slack_bot.conftest import StartBot
from slack_bot.reading import answered, calls, said, told
from slack_bot.scripted import Gate, ScriptedModel, calling, failing, reply_of


async def test_a_mention_is_answered_in_its_thread(
    slack: SlackEmulator, cast: Cast, start_bot: StartBot
) -> None:
    async with start_bot(ScriptedModel()):
        root = slack.people.mention(cast.ada.id, cast.general.id, "what is a rookery?")
        (text,) = await answered(slack, cast.general.id, root)
    assert text.startswith("The answer to: what is a rookery?")
    assert "[👍] [👎] [Comment]" in text
    assert slack.screen.status(cast.general.id, root) == ""
    assert "is thinking…" in [status.text for status in slack.state.statuses]


async def test_both_events_of_one_mention_and_their_duplicates_make_one_answer(
    slack: SlackEmulator, cast: Cast, start_bot: StartBot
) -> None:
    model = ScriptedModel()
    async with start_bot(model):
        root = slack.people.mention(cast.ada.id, cast.general.id, "once?")
        for envelope in list(slack.sockets.delivered):
            slack.sockets.duplicate(envelope)
        await answered(slack, cast.general.id, root)
        after = slack.people.mention(cast.ada.id, cast.general.id, "and then?", thread_ts=root)
        texts = await answered(slack, cast.general.id, root, 2)
    assert [text.split("\n")[0] for text in texts] == ["The answer to: once?", "The answer to: and then?"]
    assert len(model.requests) == 2
    assert after


async def test_direct_messages_need_no_mention_and_guests_get_no_internal_tools(
    slack: SlackEmulator, cast: Cast, start_bot: StartBot
) -> None:
    model = ScriptedModel()
    async with start_bot(model):
        for user in (cast.ada.id, cast.guest.id):
            channel, root = slack.people.tell(user, "who is in the group?")
            await answered(slack, channel, root)
    offered = [{tool.name for tool in request.tools} for request in model.requests]
    assert "group_members" in offered[0]
    assert "group_members" not in offered[1]


async def test_shared_channels_and_outsiders_get_no_internal_tools(
    slack: SlackEmulator, cast: Cast, start_bot: StartBot
) -> None:
    model = ScriptedModel()
    async with start_bot(model):
        for user in (cast.ada.id, cast.partner.id):
            root = slack.people.mention(user, cast.shared.id, "hello")
            await answered(slack, cast.shared.id, root)
    for request in model.requests:
        assert "channel_members" not in {tool.name for tool in request.tools}
    assert "people of another organisation" in _prompt(model.requests[0])
    assert "outsider" in _prompt(model.requests[1])


def _prompt(request: ModelRequest) -> str:
    return "".join(getattr(block, "text", "") for block in request.messages[0].blocks)


async def test_the_thread_is_in_the_prompt_newest_kept_and_fenced(
    slack: SlackEmulator, cast: Cast, start_bot: StartBot
) -> None:
    model = ScriptedModel()
    root = slack.people.say(cast.grace.id, cast.general.id, "the build is red since noon")
    for number in range(30):
        slack.people.say(cast.linus.id, cast.general.id, f"observation {number}", thread_ts=root)
    async with start_bot(model, thread_messages=10):
        slack.people.mention(cast.ada.id, cast.general.id, "why?", thread_ts=root)
        slack.people.say(cast.linus.id, cast.general.id, "said after the question", thread_ts=root)
        await answered(slack, cast.general.id, root)
    prompt = _prompt(model.requests[0])
    assert "Grace Hopper: the build is red since noon" in prompt
    assert "observation 29" in prompt
    assert "observation 20\n" not in prompt
    assert "said after the question" not in prompt
    assert "21 messages are left out" in prompt
    assert prompt.index("<untrusted ") < prompt.index("observation 29") < prompt.index("</untrusted ")


async def test_what_is_asked_by_a_name_alone(slack: SlackEmulator, cast: Cast, start_bot: StartBot) -> None:
    model = ScriptedModel()
    file = slack.people.file(cast.ada.id, "notes.txt", b"notes", "text/plain")
    root = slack.people.say(cast.grace.id, cast.general.id, "the build is red since noon")
    async with start_bot(model):
        slack.people.mention(cast.ada.id, cast.general.id, "", thread_ts=root)
        await answered(slack, cast.general.id, root)
        for files in ([file], []):
            alone = slack.people.mention(cast.ada.id, cast.general.id, "", files=files)
            await answered(slack, cast.general.id, alone)
    assert [request.question for request in model.requests] == [
        "What do you say to this thread?",
        "What do you see in the attached files?",
        "What can I ask you?",
    ]


async def test_who_asks_is_told_with_their_own_time(
    slack: SlackEmulator, cast: Cast, start_bot: StartBot
) -> None:
    model = ScriptedModel()
    async with start_bot(model):
        root = slack.people.mention(cast.linus.id, cast.general.id, "what time is it?")
        await answered(slack, cast.general.id, root)
    assert "Linus Torvalds" in _prompt(model.requests[0])
    assert "America/Los_Angeles" in _prompt(model.requests[0])


async def test_a_long_answer_streams_and_is_split(
    slack: SlackEmulator, cast: Cast, start_bot: StartBot
) -> None:
    long = "\n\n".join(f"Paragraph {number}. " + "word " * 150 for number in range(40))
    async with start_bot(ScriptedModel(answer=lambda _: long, pieces=20)):
        root = slack.people.mention(cast.ada.id, cast.general.id, "tell me everything")
        texts = await answered(slack, cast.general.id, root, 3)
    assert calls(slack, "chat.startStream") == 1
    assert calls(slack, "chat.appendStream") >= 1
    whole = "\n".join(texts)
    assert all(f"Paragraph {number}." in whole for number in range(40))
    assert whole.count("[👍]") == 1
    assert texts[-1].endswith("[👍] [👎] [Comment]")


async def test_without_streaming_the_message_is_edited(
    slack: SlackEmulator, cast: Cast, start_bot: StartBot
) -> None:
    slack.streaming_offered = False
    gate = Gate("A first sentence that is long enough to be shown at once. " * 4, "And the end.")
    async with start_bot(ScriptedModel(steps=[gate])):
        root = slack.people.mention(cast.ada.id, cast.general.id, "slowly please")
        await slack.state.wait_for(lambda: len(slack.screen.replies(cast.general.id, root)) == 1)
        gate.go.set()
        (text,) = await answered(slack, cast.general.id, root)
    assert "And the end." in text
    assert calls(slack, "chat.postMessage") == 1


async def test_the_status_names_the_tool(slack: SlackEmulator, cast: Cast, start_bot: StartBot) -> None:
    use = ToolUse("1", "channel_members", {})
    model = ScriptedModel(steps=[calling(use)])
    async with start_bot(model):
        root = slack.people.mention(cast.ada.id, cast.general.id, "who is here?")
        await answered(slack, cast.general.id, root)
    assert "is using channel members…" in [status.text for status in slack.state.statuses]
    results = model.requests[1].messages[-1].blocks
    assert "Grace Hopper" in str(results)


async def test_groups_are_looked_up_and_earlier_calls_are_told_to_their_asker_only(
    slack: SlackEmulator, cast: Cast, start_bot: StartBot
) -> None:
    slack.state.add_group("oncall", [cast.grace.id])
    group, typo = (
        ToolUse("1", "group_members", {"group": "@OnCall"}),
        ToolUse("2", "group_members", {"group": "x"}),
    )
    own = ToolUse("3", "own_tool_calls", {})
    model = ScriptedModel(steps=[calling(group, typo)])
    async with start_bot(model):
        root = slack.people.mention(cast.ada.id, cast.general.id, "who is on call?")
        await answered(slack, cast.general.id, root)
        for count, user in enumerate((cast.ada.id, cast.grace.id), 2):
            model.steps += [calling(own)]
            slack.people.mention(user, cast.general.id, "how did you find that?", thread_ts=root)
            await answered(slack, cast.general.id, root, count)
    found, refused = model.requests[1].messages[-1].blocks
    assert "Grace Hopper" in str(found)
    assert "oncall" in str(refused)
    shown, hidden = (str(model.requests[place].messages[-1].blocks) for place in (3, 5))
    assert "group_members" in shown
    assert "group_members" not in hidden


async def test_a_failure_shows_one_edited_notice_and_then_the_answer(
    slack: SlackEmulator, cast: Cast, start_bot: StartBot
) -> None:
    model = ScriptedModel(steps=[failing(ModelOverloaded()), failing(RuntimeError("boom"))])
    async with start_bot(model):
        root = slack.people.mention(cast.ada.id, cast.general.id, "third time lucky?")
        (text,) = await answered(slack, cast.general.id, root)
        (message,) = said(slack, cast.general.id, root)
    assert text.startswith("The answer to: third time lucky?")
    assert any("I am trying again" in version for version in message.versions)
    assert not any("boom" in version for version in message.versions)


async def test_the_next_attempt_waits_as_long_as_the_provider_says(
    slack: SlackEmulator, cast: Cast, start_bot: StartBot, owner_connection: asyncpg.Connection[Any]
) -> None:
    async with start_bot(ScriptedModel(steps=[failing(ModelOverloaded(retry_after_s=40.0))])):
        root = slack.people.mention(cast.ada.id, cast.general.id, "patience?")
        await slack.state.wait_for(lambda: "in about 40 seconds" in _text(slack, cast.general.id, root))
        waiting = "select count(*) from queue.event where run_at > now() + interval '30 s' and attempts = 1"
        while await owner_connection.fetchval(waiting) == 0:
            await asyncio.sleep(0)


async def test_a_thread_that_the_app_may_not_read_does_not_leave_a_question_unanswered(
    slack: SlackEmulator, cast: Cast, start_bot: StartBot
) -> None:
    model = ScriptedModel()
    root = slack.people.say(cast.grace.id, cast.general.id, "the build is red since noon")
    slack.state.app.scopes -= {"channels:history", "groups:history", "im:history", "mpim:history"}
    async with start_bot(model):
        slack.people.mention(cast.ada.id, cast.general.id, "why?", thread_ts=root)
        (text,) = await answered(slack, cast.general.id, root)
    assert text.startswith("The answer to: why?")
    assert "could not read this thread: Slack refused conversations.replies: missing_scope" in _prompt(
        model.requests[0]
    )


async def test_the_last_failure_is_told_with_a_reference(
    slack: SlackEmulator, cast: Cast, start_bot: StartBot
) -> None:
    model = ScriptedModel(steps=[failing(ModelOverloaded())] * 2)
    async with start_bot(model, max_attempts=2):
        root = slack.people.mention(cast.ada.id, cast.general.id, "hopeless?")
        (text,) = await answered(slack, cast.general.id, root)
        slack.people.mention(cast.ada.id, cast.general.id, "next?", thread_ts=root)
        texts = await answered(slack, cast.general.id, root, 2)
    assert "I could not answer this. Reference: `" in text
    assert texts[1].startswith("The answer to: next?")


@pytest.mark.slow
async def test_an_outage_of_slack_before_anything_is_known_uses_up_no_attempt(
    slack: SlackEmulator, cast: Cast, start_bot: StartBot
) -> None:
    slack.faults.plan("users.info", "rate_limit", times=3, retry_after=0)
    slack.faults.plan("conversations.info", "server_error", times=3, code="service_unavailable")
    async with start_bot(ScriptedModel(), max_attempts=1, slack_patience_s=0.2):
        root = slack.people.mention(cast.ada.id, cast.general.id, "through it?")
        (text,) = await answered(slack, cast.general.id, root, timeout=20)
    assert text.startswith("The answer to: through it?")


async def test_a_question_that_kills_its_workers_is_given_up_in_words(
    slack: SlackEmulator, cast: Cast, start_bot: StartBot, open_database: Any
) -> None:
    database: Database = await open_database("rookery_agent")
    model = ScriptedModel()
    root = slack.people.mention(cast.ada.id, cast.general.id, "poison")
    async with start_bot(
        ScriptedModel(steps=[failing(ModelOverloaded())]), max_attempts=20, retry_base_s=30.0
    ):
        await slack.state.wait_for(lambda: "trying again" in _text(slack, cast.general.id, root))
    async with database.acquire() as connection:  # as if it had crashed its workers twice, and is due now
        await connection.execute(
            "update queue.event set attempts = 2, run_at = now() where state = 'scheduled'"
        )
    async with start_bot(model, max_attempts=2):
        (text,) = await answered(slack, cast.general.id, root, timeout=20)
    assert "broke down several times" in text
    assert model.requests == []


def _text(slack: SlackEmulator, channel: str, root: str) -> str:
    return "".join(line.text for line in slack.screen.replies(channel, root))


async def test_an_edit_while_waiting_is_answered_as_edited(
    slack: SlackEmulator, cast: Cast, start_bot: StartBot
) -> None:
    gate = Gate("Something about cats that is far too long to be held back any longer. " * 4, "cats")
    async with start_bot(ScriptedModel(steps=[gate])):
        root = slack.people.mention(cast.ada.id, cast.general.id, "what about cats?")
        await gate.reached.wait()
        slack.people.edit(cast.general.id, root, "<@U0BOT> what about dogs?")
        texts = await answered(slack, cast.general.id, root)
    assert len(texts) == 1
    assert texts[0].startswith("The answer to: what about dogs?")


async def test_an_edit_after_the_answer_changes_the_answer_in_place(
    slack: SlackEmulator, cast: Cast, start_bot: StartBot
) -> None:
    async with start_bot(ScriptedModel()):
        root = slack.people.mention(cast.ada.id, cast.general.id, "cats?")
        await answered(slack, cast.general.id, root)
        slack.people.edit(cast.general.id, root, "<@U0BOT> dogs?")

        def changed() -> bool:
            return slack.screen.replies(cast.general.id, root)[0].text.startswith("The answer to: dogs?")

        await slack.state.wait_for(changed)
        texts = await answered(slack, cast.general.id, root)
    assert len(texts) == 1


async def test_edits_can_be_ignored(slack: SlackEmulator, cast: Cast, start_bot: StartBot) -> None:
    model = ScriptedModel()
    async with start_bot(model, on_edit="ignore"):
        root = slack.people.mention(cast.ada.id, cast.general.id, "cats?")
        await answered(slack, cast.general.id, root)
        slack.people.edit(cast.general.id, root, "<@U0BOT> dogs?")
        slack.people.mention(cast.ada.id, cast.general.id, "birds?", thread_ts=root)
        texts = await answered(slack, cast.general.id, root, 2)
    assert [text.split("\n")[0] for text in texts] == ["The answer to: cats?", "The answer to: birds?"]


async def test_a_deleted_question_is_cancelled_and_its_beginning_removed(
    slack: SlackEmulator, cast: Cast, start_bot: StartBot
) -> None:
    gate = Gate("The beginning of an answer nobody will want to read to its end. " * 4, "end")
    async with start_bot(ScriptedModel(steps=[gate])):
        root = slack.people.mention(cast.ada.id, cast.general.id, "never mind")
        await slack.state.wait_for(lambda: len(slack.screen.replies(cast.general.id, root)) == 1)
        slack.people.delete(cast.general.id, root)
        await slack.state.wait_for(lambda: not slack.screen.replies(cast.general.id, root))
        other = slack.people.mention(cast.ada.id, cast.general.id, "but this")
        await answered(slack, cast.general.id, other)
    assert slack.screen.replies(cast.general.id, root) == []


async def test_follow_ups_need_no_mention_where_configured(
    slack: SlackEmulator, cast: Cast, start_bot: StartBot
) -> None:
    model = ScriptedModel()
    async with start_bot(model, follow_up_channels=(cast.general.id,)):
        for channel in (cast.general.id, cast.database.id):
            root = slack.people.mention(cast.ada.id, channel, "first")
            await answered(slack, channel, root)
            slack.people.say(cast.ada.id, channel, f"<@{cast.grace.id}> can you look?", thread_ts=root)
            slack.people.say(cast.ada.id, channel, "<!here> anybody?", thread_ts=root)
            slack.people.say(cast.ada.id, channel, "and second", thread_ts=root)
        await answered(slack, cast.general.id, _first_root(slack, cast), 2)
        last = slack.people.mention(cast.ada.id, cast.database.id, "third")
        await answered(slack, cast.database.id, last)
    asked = [request.question for request in model.requests]
    assert sorted(asked) == ["and second", "first", "first", "third"]


def _first_root(slack: SlackEmulator, cast: Cast) -> str:
    return slack.state.in_order(cast.general.id)[0].ts


async def test_limits_refuse_in_words_and_refusals_do_not_count(
    slack: SlackEmulator, cast: Cast, start_bot: StartBot
) -> None:
    async with start_bot(ScriptedModel(), user_limit=2):
        roots = [slack.people.mention(cast.ada.id, cast.general.id, f"q{n}") for n in range(2)]
        for root in roots:
            await answered(slack, cast.general.id, root)
        refused = slack.people.mention(cast.ada.id, cast.general.id, "q2")
        (text,) = await answered(slack, cast.general.id, refused)
        other = slack.people.mention(cast.grace.id, cast.general.id, "mine")
        (fine,) = await answered(slack, cast.general.id, other)
    assert text.startswith("You have asked 2 questions in the last 10 minutes, which is the limit here. ")
    assert text.endswith("Please ask again in about 10 minutes.")
    assert fine.startswith("The answer to: mine")


@pytest.mark.parametrize(
    ("window_s", "said_as"),
    [(45, "in the last 45 seconds"), (120, "in the last 2 minutes"), (86_400, "in the last 24 hours")],
)
async def test_a_channel_has_a_limit_and_is_told_its_window(
    slack: SlackEmulator, cast: Cast, start_bot: StartBot, window_s: float, said_as: str
) -> None:
    async with start_bot(ScriptedModel(), channel_limit=1, limit_window_s=window_s):
        root = slack.people.mention(cast.ada.id, cast.general.id, "mine")
        await answered(slack, cast.general.id, root)
        refused = slack.people.mention(cast.grace.id, cast.general.id, "and mine?")
        (text,) = await answered(slack, cast.general.id, refused)
        elsewhere = slack.people.mention(cast.grace.id, cast.database.id, "here then")
        (fine,) = await answered(slack, cast.database.id, elsewhere)
    assert text.startswith(f"This channel has asked 1 question {said_as}, which is the limit here.")
    assert fine.startswith("The answer to: here then")


async def test_an_edit_beyond_the_limit_leaves_the_answer_and_tells_its_asker(
    slack: SlackEmulator, cast: Cast, start_bot: StartBot
) -> None:
    async with start_bot(ScriptedModel()):
        roots = [slack.people.mention(cast.ada.id, cast.general.id, f"q{n}") for n in range(2)]
        before = [await answered(slack, cast.general.id, root) for root in roots]
    async with start_bot(ScriptedModel(), user_limit=1):
        slack.people.edit(cast.general.id, roots[0], "<@U0BOT> q9")
        await slack.state.wait_for(lambda: told(slack, cast.ada) != [])
        assert await answered(slack, cast.general.id, roots[0]) == before[0]
    (word,) = told(slack, cast.ada)
    assert "its answer stays as it is. You have asked 1 question" in word


@pytest.mark.parametrize("limit", ["max_user_day_usd", "max_day_usd"])
async def test_a_limit_on_money_says_which_and_until_when(
    slack: SlackEmulator,
    cast: Cast,
    start_bot: StartBot,
    owner_connection: asyncpg.Connection[Any],
    limit: str,
) -> None:
    async with start_bot(ScriptedModel(), **{limit: 1.5}):
        first = slack.people.mention(cast.ada.id, cast.general.id, "cheap?")
        await answered(slack, cast.general.id, first)
        await owner_connection.execute("update agent.runs set cost_usd = 1.5")
        refused = slack.people.mention(cast.ada.id, cast.general.id, "and now?")
        (text,) = await answered(slack, cast.general.id, refused)
    assert "used up today's limit of $1.50" in text
    assert text.endswith("The limit resets at midnight UTC.")


@pytest.mark.parametrize("direct", [True, False])
async def test_a_question_is_stored_before_its_acknowledgement(
    slack: SlackEmulator, cast: Cast, start_bot: StartBot, open_database: Any, *, direct: bool
) -> None:
    """Every acknowledged event is in the queue's memory of keys at the moment its ack arrives."""
    database: Database = await open_database("rookery_agent")
    seen: list[bool] = []
    original = slack.sockets.acknowledge
    looks: list[asyncio.Task[None]] = []

    async def look(event_id: str) -> None:
        async with database.acquire() as connection:
            query = "select exists (select from queue.spent_key where topic = 'slack' and key = $1)"
            seen.append(bool(await connection.fetchval(query, event_id)))

    def acknowledge(message: dict[str, Any]) -> None:
        envelope = slack.sockets.unacked.get(str(message.get("envelope_id")))
        if envelope is not None and envelope.payload["event"].get("user") == cast.ada.id:
            looks.append(asyncio.create_task(look(envelope.payload["event_id"])))
        original(message)

    slack.sockets.acknowledge = acknowledge
    async with start_bot(ScriptedModel()):
        if direct:
            channel, root = slack.people.tell(cast.ada.id, "durable?")
        else:
            channel, root = cast.general.id, slack.people.mention(cast.ada.id, cast.general.id, "durable?")
        await answered(slack, channel, root)
        await asyncio.gather(*looks)
    assert len(seen) >= (1 if direct else 2)
    assert all(seen)


async def test_channels_are_never_shouted_at_and_nothing_unfurls(
    slack: SlackEmulator, cast: Cast, start_bot: StartBot
) -> None:
    async def shout(request: ModelRequest, listener: Listener) -> ModelReply:
        return reply_of("<!channel> look: ![x](https://evil.example/p.png?q=secret) <!here|here>")

    async with start_bot(ScriptedModel(steps=[shout])):
        root = slack.people.mention(cast.ada.id, cast.general.id, "shout")
        (text,) = await answered(slack, cast.general.id, root)
        (message,) = said(slack, cast.general.id, root)
    assert "<!channel>" not in text
    assert "<!here" not in text
    assert "![" not in text
    assert not message.unfurl


async def test_an_assistant_thread_gets_suggestions_and_answers(
    slack: SlackEmulator, cast: Cast, start_bot: StartBot
) -> None:
    async with start_bot(ScriptedModel()):
        channel, thread = slack.people.open_assistant(cast.ada.id)
        await slack.state.wait_for(lambda: thread in slack.state.prompts)
        slack.people.say(cast.ada.id, channel, "hello there", thread_ts=thread)
        (text,) = await answered(slack, channel, thread)
        await slack.state.wait_for(lambda: thread in slack.state.titles)
        slack.people.say(cast.ada.id, channel, "and then?", thread_ts=thread)
        await answered(slack, channel, thread, 2)
        other, root = slack.people.tell(cast.ada.id, "no assistant thread")
        await answered(slack, other, root)
        slack.people.say(cast.ada.id, other, "but a thread", thread_ts=root)
        await answered(slack, other, root, 2)
    assert text.startswith("The answer to: hello there")
    assert slack.state.titles == {thread: "hello there"}


async def test_an_assistant_thread_answers_when_slack_takes_no_decoration(
    slack: SlackEmulator, cast: Cast, start_bot: StartBot
) -> None:
    slack.state.app.scopes -= {"assistant:write"}
    async with start_bot(ScriptedModel()):
        channel, thread = slack.people.open_assistant(cast.ada.id)
        slack.people.say(cast.ada.id, channel, "hello there", thread_ts=thread)
        (text,) = await answered(slack, channel, thread)
    assert text.startswith("The answer to: hello there")
    assert slack.state.titles == {}


async def test_questions_that_arrive_in_the_wrong_order_are_answered_in_theirs(
    slack: SlackEmulator, cast: Cast, start_bot: StartBot
) -> None:
    root = slack.people.say(cast.grace.id, cast.general.id, "root")
    for number in range(3):
        slack.people.mention(cast.ada.id, cast.general.id, f"question {number}", thread_ts=root)
    slack.sockets.waiting.reverse()
    async with start_bot(ScriptedModel(), workers=4):
        texts = await answered(slack, cast.general.id, root, 3)
    assert [text.split("\n")[0] for text in texts] == [f"The answer to: question {n}" for n in range(3)]


async def test_a_mention_that_never_arrived_is_answered_with_the_next_one(
    slack: SlackEmulator, cast: Cast, start_bot: StartBot
) -> None:
    root = slack.people.say(cast.grace.id, cast.general.id, "root")
    slack.people.mention(cast.ada.id, cast.general.id, "lost by Slack", thread_ts=root)
    slack.sockets.waiting.clear()
    async with start_bot(ScriptedModel()):
        slack.people.mention(cast.ada.id, cast.general.id, "hello?", thread_ts=root)
        texts = await answered(slack, cast.general.id, root, 2)
    assert texts[0].startswith("The answer to: lost by Slack")


async def test_an_answer_that_is_there_is_not_replaced_by_a_notice(
    slack: SlackEmulator, cast: Cast, start_bot: StartBot, owner_connection: asyncpg.Connection[Any]
) -> None:
    """The answer is in the thread, and the database does not take that in."""
    model = ScriptedModel()
    async with start_bot(model):
        await owner_connection.execute(
            "alter table agent.slack_question add constraint nothing_ends check (state <> 'answered')"
        )
        root = slack.people.mention(cast.ada.id, cast.general.id, "what is a rookery?")
        await slack.state.wait_for(lambda: calls(slack, "conversations.replies") > 1)  # attempts that look
        await owner_connection.execute("alter table agent.slack_question drop constraint nothing_ends")
        await answered(slack, cast.general.id, root)
    (message,) = said(slack, cast.general.id, root)
    assert [version for version in message.versions if "trying again" in version] == []
    assert len(model.requests) == 1


HISTORY = {"channels:history", "groups:history", "im:history", "mpim:history"}


@pytest.mark.parametrize("intended", [True, False])
async def test_what_may_be_answered_in_a_hidden_thread_is_told_beside_it_and_not_answered_twice(
    slack: SlackEmulator, cast: Cast, start_bot: StartBot, open_database: Any, *, intended: bool
) -> None:
    """Either a worker died between its intent and its receipt, or the answer of Slack to the post got lost."""
    slack.state.app.scopes -= HISTORY
    root = slack.people.mention(cast.ada.id, cast.general.id, "was that *you*?")
    if intended:
        effects = Queue(await open_database("rookery_agent")).effects
        await effects.intend(f"slack:{cast.general.id}:{root}", "reply", {"after_ts": root})
    else:
        slack.faults.plan("chat.startStream", "lose_answer")
    async with start_bot(ScriptedModel(), retry_base_s=0.01):
        await slack.state.wait_for(lambda: bool(told(slack, cast.ada)))
        assert len(said(slack, cast.general.id, root)) == (0 if intended else 1)
        slack.people.mention(cast.ada.id, cast.general.id, "and now?", thread_ts=root)
        await answered(slack, cast.general.id, root)
    (word,) = told(slack, cast.ada)
    assert f"About your question in <#{cast.general.id}>, “was that *you*?”: I may have answered" in word
    assert "missing_scope" in word
    assert "Reference: `" in word


async def test_an_answer_with_a_receipt_is_finished_in_a_hidden_thread(
    slack: SlackEmulator, cast: Cast, start_bot: StartBot, open_database: Any
) -> None:
    database: Database = await open_database("rookery_agent")
    root = slack.people.mention(cast.ada.id, cast.general.id, "half?")
    async with start_bot(ScriptedModel(steps=[failing(ModelOverloaded())]), retry_base_s=30.0):
        await slack.state.wait_for(lambda: "trying again" in _text(slack, cast.general.id, root))
    slack.state.app.scopes -= HISTORY
    async with database.acquire() as connection:
        await connection.execute("update queue.event set run_at = now() where state = 'scheduled'")
    async with start_bot(ScriptedModel()):
        (text,) = await answered(slack, cast.general.id, root)
    assert text.startswith("The answer to: half?")
