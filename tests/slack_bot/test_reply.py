"""The reply protocol, step by step, against the emulated Slack and a real ledger: who dies where."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from emulators.slack import SlackEmulator
from emulators.slack.sample import Cast
from rookery.slack.answers.questions import QuestionStore
from rookery.slack.answers.reply import Reply
from rookery.slack.answers.writer import ReplyWriter
from rookery.slack.event_types import IncomingMessage
from rookery.slack.people.directory import Directory, Identity
from rookery_core.queue import LeaseLost, Queue, RetryLater
from rookery_slackapi.errors import SlackRefused, SlackUnavailable, SlackUncertain
from rookery_slackapi.web import connect
from slack_bot.reading import is_final, said


class Desk:
    """A question in a thread, and as many workers on it as a test wants, one after the other."""

    def __init__(
        self, slack: SlackEmulator, queue: Queue, questions: QuestionStore, own: Identity, api: Any
    ) -> None:
        self.slack = slack
        self.queue = queue
        self.questions = questions
        self.own = own
        self.api = api

    async def ask(self, user: str, channel: str, thread_ts: str | None = None) -> IncomingMessage:
        ts = self.slack.people.mention(user, channel, "q", thread_ts=thread_ts)
        written = IncomingMessage(
            channel, ts, thread_ts or ts, user, "q", "mention", False, thread_ts is not None
        )
        await self.questions.open_question(written, "member", "0" * 32)
        return written

    def worker(self, question: IncomingMessage, *, api: Any = None, lease: Lease | None = None) -> Reply:
        effects = self.queue.effects
        hold = (lease or Lease()).hold
        return Reply(
            api or self.api, effects, self.questions, question, self.own, after_ts=question.ts, hold=hold,
            retry_pauses_s=RETRY_PAUSES_S,
        )  # fmt: skip

    async def writer(self, question: IncomingMessage, **options: Any) -> ReplyWriter:
        """A worker that has looked at what is there, as each attempt does."""
        reply = self.worker(question, **options)
        return ReplyWriter(
            reply, await reply.reconcile(), streaming=self.slack.streaming_offered, interval_s=0.0
        )


RETRY_PAUSES_S = (0.01, 0.02, 0.05)
"""Pauses between two looks for a message that is late; a real worker has more patience."""


@dataclass
class Lease:
    """The lease of a worker on its question; a worker that was paused for too long finds it gone."""

    gone: bool = False

    async def hold(self) -> None:
        if self.gone:
            raise LeaseLost("the lease is gone")


@dataclass
class Paused:
    """The Web API of a worker that stops, for a while, just before it calls one method."""

    api: Any
    method: str
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    go: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, method: str, **arguments: Any) -> Any:
        if method == self.method:
            self.reached.set()
            await self.go.wait()
        return await self.api(method, **arguments)


@pytest.fixture
async def desk(
    slack: SlackEmulator, cast: Cast, bot_settings: Callable[..., Any], open_database: Any
) -> Desk:
    settings = bot_settings(slack_patience_s=0.0)
    database = await open_database("rookery_agent")
    api = connect(settings)
    own = await Directory(api).read_identity()
    return Desk(slack, Queue(database), QuestionStore(database, "default"), own, api)


async def test_a_stream_started_without_receipt_is_found_and_finished(desk: Desk, cast: Cast) -> None:
    question = await desk.ask(cast.ada.id, cast.general.id)
    await desk.queue.effects.intend(f"slack:{question.key}", "reply", {"after_ts": question.ts})
    await desk.api(
        "chat.startStream",
        channel=question.channel,
        thread_ts=question.thread_ts,
        markdown_text="half",
        recipient_user_id=cast.ada.id,
        recipient_team_id=desk.own.team,
    )
    writer = await desk.writer(question)
    assert writer.begun
    await writer.finish_answer("the whole", [])
    (message,) = said(desk.slack, question.channel, question.thread_ts)
    assert is_final(message)
    assert desk.slack.screen.replies(question.channel, question.thread_ts)[0].text == "the whole"


async def _begun_without_receipt(desk: Desk, question: IncomingMessage, text: str) -> None:
    await desk.queue.effects.intend(f"slack:{question.key}", "reply", {"after_ts": question.ts})
    await desk.api(
        "chat.startStream",
        channel=question.channel,
        thread_ts=question.thread_ts,
        markdown_text=text,
        recipient_user_id=question.user,
        recipient_team_id=desk.own.team,
    )


@pytest.mark.parametrize("receipt", [True, False])
async def test_what_slack_shows_late_is_neither_gone_nor_posted_again(
    desk: Desk, cast: Cast, receipt: bool
) -> None:
    question = await desk.ask(cast.ada.id, cast.general.id)
    if receipt:
        await (await desk.writer(question)).add_text("half")
    else:
        await _begun_without_receipt(desk, question, "half")
    desk.slack.late_reads = 2
    found = await desk.worker(question).reconcile()
    assert (found.deleted, list(found.parts)) == (False, [0])
    await (await desk.writer(question)).finish_answer("the whole", [])
    (message,) = said(desk.slack, question.channel, question.thread_ts)
    assert is_final(message)


async def test_what_slack_shows_very_late_is_removed_once_it_does(desk: Desk, cast: Cast) -> None:
    question = await desk.ask(cast.ada.id, cast.general.id)
    await _begun_without_receipt(desk, question, "half")
    desk.slack.late_reads = 5
    writer = await desk.writer(question)
    await writer.add_text("the")
    assert len(said(desk.slack, question.channel, question.thread_ts)) == 2
    await writer.finish_answer("the whole", [])
    (message,) = said(desk.slack, question.channel, question.thread_ts)
    assert is_final(message)
    assert message.text == "the whole"


async def test_receipts_tell_what_is_whose_where_slack_shows_no_metadata(desk: Desk, cast: Cast) -> None:
    desk.slack.metadata_shown = False
    question = await desk.ask(cast.ada.id, cast.general.id)
    long = "\n\n".join("word " * 400 for _ in range(12))
    await (await desk.writer(question)).finish_answer(long, [])
    await (await desk.writer(question)).finish_answer(long + " end", [])
    assert len(said(desk.slack, question.channel, question.thread_ts)) == 3
    await (await desk.writer(question)).finish_answer("short after all", [])
    assert len(said(desk.slack, question.channel, question.thread_ts)) == 1


async def test_a_part_that_was_removed_can_come_back(desk: Desk, cast: Cast) -> None:
    question = await desk.ask(cast.ada.id, cast.general.id)
    long = "\n\n".join("word " * 400 for _ in range(12))
    for text, parts in ((long, 3), ("short", 1), (long, 3)):
        await (await desk.writer(question)).finish_answer(text, [])
        assert len(said(desk.slack, question.channel, question.thread_ts)) == parts


async def test_a_part_without_receipt_is_found_where_slack_shows_no_metadata(desk: Desk, cast: Cast) -> None:
    desk.slack.metadata_shown = False
    question = await desk.ask(cast.ada.id, cast.general.id)
    long = "\n\n".join("word " * 400 for _ in range(6))
    desk.slack.faults.plan("chat.postMessage", "hold", skip=1)
    dying = asyncio.create_task((await desk.writer(question)).finish_answer(long, []))
    await desk.slack.faults.planned[-1].reached.wait()
    dying.cancel()
    await (await desk.writer(question)).finish_answer(long, [])
    assert len(said(desk.slack, question.channel, question.thread_ts)) == 2
    desk.slack.faults.planned[-1].release.set()
    with contextlib.suppress(asyncio.CancelledError):
        await dying


async def test_an_intent_without_anything_in_the_thread_may_post(desk: Desk, cast: Cast) -> None:
    question = await desk.ask(cast.ada.id, cast.general.id)
    await desk.queue.effects.intend(f"slack:{question.key}", "reply", {"after_ts": question.ts})
    writer = await desk.writer(question)
    assert not writer.begun
    await writer.finish_answer("posted", [])
    assert len(said(desk.slack, question.channel, question.thread_ts)) == 1


async def test_the_unfinished_answer_of_another_question_is_left_alone(desk: Desk, cast: Cast) -> None:
    root = desk.slack.people.say(cast.ada.id, cast.general.id, "root")
    first = await desk.ask(cast.ada.id, cast.general.id, root)
    other = await desk.writer(first)
    await other.add_text("the other answer, still being written")
    second = await desk.ask(cast.grace.id, cast.general.id, root)
    await desk.queue.effects.intend(f"slack:{second.key}", "reply", {"after_ts": first.ts})
    writer = await desk.writer(second)
    assert not writer.begun
    await writer.finish_answer("mine", [])
    await other.finish_answer("the other answer, still being written to its end", [])
    texts = [line.text for line in desk.slack.screen.replies(cast.general.id, root)]
    assert texts == ["the other answer, still being written to its end", "mine"]


async def test_of_two_orphans_one_becomes_the_answer_and_the_other_goes(desk: Desk, cast: Cast) -> None:
    question = await desk.ask(cast.ada.id, cast.general.id)
    await desk.queue.effects.intend(f"slack:{question.key}", "reply", {"after_ts": question.ts})
    for text in ("one", "two"):
        await desk.api(
            "chat.startStream",
            channel=question.channel,
            thread_ts=question.thread_ts,
            markdown_text=text,
            recipient_user_id=cast.ada.id,
            recipient_team_id=desk.own.team,
        )
    await (await desk.writer(question)).finish_answer("only one", [])
    (message,) = said(desk.slack, question.channel, question.thread_ts)
    assert is_final(message)


@pytest.mark.parametrize("method", ["chat.startStream", "chat.postMessage"])
async def test_an_answer_of_slack_that_gets_lost_is_looked_for(desk: Desk, cast: Cast, method: str) -> None:
    desk.slack.streaming_offered = method == "chat.startStream"
    question = await desk.ask(cast.ada.id, cast.general.id)
    desk.slack.faults.plan(method, "lose_answer")
    writer = await desk.writer(question)
    await writer.add_text("something to read")
    await writer.finish_answer("something to read and its end", [])
    (line,) = desk.slack.screen.replies(question.channel, question.thread_ts)
    assert line.text.startswith("something to read and its end")
    assert desk.slack.journal.counts[method] == 1


async def test_a_lost_end_of_a_stream_is_repaired_by_an_edit(desk: Desk, cast: Cast) -> None:
    question = await desk.ask(cast.ada.id, cast.general.id)
    writer = await desk.writer(question)
    await writer.add_text("beginning ")
    desk.slack.faults.plan("chat.stopStream", "lose_answer")
    await writer.finish_answer("beginning and end", [])
    (message,) = said(desk.slack, question.channel, question.thread_ts)
    assert is_final(message)
    assert (await desk.worker(question).reconcile()).complete


async def test_a_refused_post_leaves_no_intent_behind(desk: Desk, cast: Cast) -> None:
    question = await desk.ask(cast.ada.id, cast.general.id)
    desk.slack.faults.plan("chat.postMessage", "error", code="restricted_action_read_only_channel")
    writer = await desk.writer(question)
    with pytest.raises(SlackRefused, match="read_only"):
        await writer.finish_answer("not allowed", [])
    assert await desk.queue.effects.of(f"slack:{question.key}") == []


async def test_a_limit_that_lasts_too_long_goes_back_to_the_queue(desk: Desk, cast: Cast) -> None:
    question = await desk.ask(cast.ada.id, cast.general.id)
    desk.slack.faults.plan("chat.postMessage", "rate_limit", retry_after=30)
    writer = await desk.writer(question)
    with pytest.raises(SlackUnavailable) as caught:
        await writer.finish_answer("later", [])
    assert (caught.value.retry_after_s or 0) >= 30


async def test_an_answer_that_was_removed_is_not_posted_again(desk: Desk, cast: Cast) -> None:
    question = await desk.ask(cast.ada.id, cast.general.id)
    await (await desk.writer(question)).finish_answer("to be removed", [])
    (message,) = said(desk.slack, question.channel, question.thread_ts)
    desk.slack.people.delete(question.channel, message.ts)
    assert (await desk.worker(question).reconcile()).deleted


async def test_parts_that_are_there_are_edited_and_extra_ones_removed(desk: Desk, cast: Cast) -> None:
    question = await desk.ask(cast.ada.id, cast.general.id)
    long = "\n\n".join("word " * 400 for _ in range(12))
    await (await desk.writer(question)).finish_answer(long, [])
    assert len(said(desk.slack, question.channel, question.thread_ts)) == 3
    found = await desk.worker(question).reconcile()
    assert (found.complete, sorted(found.parts)) == (True, [0, 1, 2])
    await (await desk.writer(question)).finish_answer("short after all", [])
    (line,) = desk.slack.screen.replies(question.channel, question.thread_ts)
    assert line.text == "short after all"


async def test_an_edited_answer_may_be_longer_than_the_text_of_an_edit(desk: Desk, cast: Cast) -> None:
    """Slack takes 4,000 characters as the text of an edit, beside blocks that hold three times as much."""
    desk.slack.streaming_offered = False
    question = await desk.ask(cast.ada.id, cast.general.id)
    writer = await desk.writer(question)
    long = " ".join(["word"] * 2_000)
    await writer.add_text(long[:9_000])
    await writer.finish_answer(long, [])
    (line,) = desk.slack.screen.replies(question.channel, question.thread_ts)
    assert line.text == long
    desk.slack.faults.plan("chat.update", "error", code="invalid_blocks")
    await (await desk.writer(question)).finish_answer(long, [])
    (line,) = desk.slack.screen.replies(question.channel, question.thread_ts)
    assert line.text.split() == long.split()


async def test_an_unfinished_stream_of_a_dead_worker_can_be_taken_back(desk: Desk, cast: Cast) -> None:
    """Slack deletes no message that streams."""
    question = await desk.ask(cast.ada.id, cast.general.id)
    await (await desk.writer(question)).add_text("a beginning that nobody will end")
    await (await desk.writer(question)).delete_answer()
    assert said(desk.slack, question.channel, question.thread_ts) == []


async def test_a_stream_begins_with_something_to_read(desk: Desk, cast: Cast) -> None:
    question = await desk.ask(cast.ada.id, cast.general.id)
    writer = await desk.writer(question)
    for piece in ("\n", " \n", "Now", "\n\n", " ", "then"):
        await writer.add_text(piece)
    await writer.finish_answer("\n \nNow\n\n then", [])
    (message,) = said(desk.slack, question.channel, question.thread_ts)
    assert is_final(message)
    assert message.edited_ts is None
    assert [call.answer["ok"] for call in desk.slack.journal.of("chat.appendStream")] == [True]


async def test_a_stream_is_calm_wherever_the_model_pauses(desk: Desk, cast: Cast) -> None:
    question = await desk.ask(cast.ada.id, cast.general.id)
    writer = await desk.writer(question)
    answer = "Look: <!channel> and ![a picture](https://evil.example/x.png) and so on"
    for start in range(0, len(answer), 5):
        await writer.add_text(answer[start : start + 5])
    await writer.finish_answer(answer, [])
    (message,) = said(desk.slack, question.channel, question.thread_ts)
    (line,) = desk.slack.screen.replies(question.channel, question.thread_ts)
    assert line.text == "Look: @\u200bchannel and a picture (https://evil.example/x.png) and so on"
    assert not any("<!channel>" in version or "![" in version for version in message.versions)


async def test_blocks_that_slack_refuses_become_plain_sections(desk: Desk, cast: Cast) -> None:
    question = await desk.ask(cast.ada.id, cast.general.id)
    desk.slack.faults.plan("chat.postMessage", "error", code="invalid_blocks")
    await (await desk.writer(question)).finish_answer("**plain** then", [])
    (line,) = desk.slack.screen.replies(question.channel, question.thread_ts)
    assert line.text == "*plain* then"


async def test_reads_are_repeated_and_posts_are_not(desk: Desk, cast: Cast, bot_settings: Any) -> None:
    api = connect(bot_settings())
    desk.slack.faults.plan("users.info", "lose_answer", times=2)
    assert (await api("users.info", user=cast.ada.id))["user"]["id"] == cast.ada.id
    desk.slack.faults.plan("chat.postMessage", "lose_answer")
    with pytest.raises(SlackUncertain):
        await api("chat.postMessage", channel=cast.general.id, text="once")
    assert len(desk.slack.journal.of("chat.postMessage")) == 1


@pytest.mark.parametrize("streaming", [True, False])
async def test_a_worker_without_lease_cannot_reopen_what_another_finished(
    desk: Desk, cast: Cast, streaming: bool
) -> None:
    desk.slack.streaming_offered = streaming
    question = await desk.ask(cast.ada.id, cast.general.id)
    lease = Lease()
    paused = await desk.writer(question, lease=lease)
    await paused.add_text("a beginning")
    await (await desk.writer(question)).finish_answer("the whole answer", [])
    lease.gone = True
    for late in (
        paused.show_notice("That failed. I am trying again.", final=False),
        paused.finish_answer("a beginning of something else", []),
        paused.delete_answer(),
    ):
        with pytest.raises(LeaseLost):
            await late
    (message,) = said(desk.slack, question.channel, question.thread_ts)
    assert is_final(message)
    assert message.text == "the whole answer"


@pytest.mark.parametrize("method", ["chat.startStream", "chat.postMessage"])
async def test_of_two_workers_that_post_the_later_takes_its_own_back(
    desk: Desk, cast: Cast, method: str
) -> None:
    desk.slack.streaming_offered = method == "chat.startStream"
    question = await desk.ask(cast.ada.id, cast.general.id)
    api = Paused(desk.api, method)
    paused = asyncio.create_task((await desk.writer(question, api=api)).add_text("of the paused worker"))
    await api.reached.wait()
    other = await desk.writer(question)
    await other.add_text("of the other")
    await other.finish_answer("of the other worker", [])
    api.go.set()
    with pytest.raises(RetryLater):
        await paused
    (message,) = said(desk.slack, question.channel, question.thread_ts)
    assert is_final(message)
    assert message.text == "of the other worker"


async def test_a_worker_that_is_stopped_while_it_posts_still_takes_its_own_back(
    desk: Desk, cast: Cast
) -> None:
    question = await desk.ask(cast.ada.id, cast.general.id)
    api = Paused(desk.api, "chat.startStream")
    paused = asyncio.create_task((await desk.writer(question, api=api)).add_text("of the paused worker"))
    await api.reached.wait()
    await (await desk.writer(question)).finish_answer("of the other worker", [])
    paused.cancel()
    await asyncio.sleep(0)
    api.go.set()
    with pytest.raises(asyncio.CancelledError):
        await paused
    (message,) = said(desk.slack, question.channel, question.thread_ts)
    assert message.text == "of the other worker"


async def test_what_was_begun_for_an_older_wording_is_not_taken_for_the_new_one(
    desk: Desk, cast: Cast
) -> None:
    question = await desk.ask(cast.ada.id, cast.general.id)
    writer = await desk.writer(question)
    fault = desk.slack.faults.plan("chat.startStream", "hold")
    saying = asyncio.create_task(writer.add_text("an answer to the old wording"))
    await fault.reached.wait()
    saying.cancel()
    fault.release.set()
    with contextlib.suppress(asyncio.CancelledError):
        await saying
    await writer.discard_text()
    await writer.add_text("the new answer")
    await writer.finish_answer("the new answer, whole", [])
    (line,) = desk.slack.screen.replies(question.channel, question.thread_ts)
    assert line.text == "the new answer, whole"


async def test_two_posts_of_one_part_become_one(desk: Desk, cast: Cast) -> None:
    question = await desk.ask(cast.ada.id, cast.general.id)
    await desk.queue.effects.intend(f"slack:{question.key}", "reply", {"after_ts": question.ts})
    metadata = desk.worker(question).metadata(0, "open", 1)
    for text in ("one", "two"):
        await desk.api(
            "chat.postMessage",
            channel=question.channel,
            thread_ts=question.thread_ts,
            text=text,
            metadata=metadata,
        )
    await (await desk.writer(question)).finish_answer("only one", [])
    (message,) = said(desk.slack, question.channel, question.thread_ts)
    assert is_final(message)
