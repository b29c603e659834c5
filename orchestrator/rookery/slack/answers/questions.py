"""The questions the bot was asked (table `agent.slack_question`), and the limits on how many it accepts."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from rookery.slack.event_types import IncomingMessage
from rookery_core import sql

if TYPE_CHECKING:
    from rookery.slack.settings import BotSettings
    from rookery_core.database import Connection, Database

FinalState = Literal["answered", "failed", "cancelled", "refused", "ignored"]
_MAX_TRACES = 5
_SQL = sql.load("rookery.slack.answers", "questions.sql")


@dataclass(frozen=True, slots=True)
class StoredQuestion:
    """The stored state of a question that is being opened. edited_text: the author's latest text, None if unedited."""

    state: str
    trace_id: str
    reply_ts: str | None
    answered_text: str | None
    edited_text: str | None
    deleted: bool

    @property
    def finished(self) -> bool:
        return self.state not in ("waiting", "answering")


@dataclass(frozen=True, slots=True)
class RecentQuestions:
    """Questions in the window, without the current one; ages in seconds of the oldest one."""

    by_asker: int
    in_channel: int
    asker_age_s: float
    channel_age_s: float


class QuestionStore:
    """Reads and writes the state of one team's questions."""

    def __init__(self, database: Database, team: str) -> None:
        self._database = database
        self._team = team

    async def record_questions(self, questions: Sequence[IncomingMessage], connection: Connection) -> None:
        """Record questions in the caller's transaction."""
        rows = [(question.channel, question.ts, question.thread_ts, question.user) for question in questions]
        if rows:
            await connection.execute(
                _SQL["record_questions"], self._team, *map(list, zip(*rows, strict=True))
            )

    async def open_question(self, question: IncomingMessage, kind: str, trace_id: str) -> StoredQuestion:
        """Mark the question as being answered, unless it is finished. kind: of its asker."""
        async with self._database.acquire() as connection:
            row = await connection.fetchrow(
                _SQL["open_question"], *self._key(question), question.thread_ts, question.user, kind, trace_id
            )
        assert row is not None  # an upsert returns its row
        return StoredQuestion(*row.values())

    async def reopen_question(self, question: IncomingMessage) -> bool:
        """Open an answered question again. False when it is not answered."""
        async with self._database.acquire() as connection:
            return await connection.fetchrow(_SQL["reopen_question"], *self._key(question)) is not None

    async def read_change(self, question: IncomingMessage) -> tuple[bool, str | None]:
        """(whether the author deleted the question, the new text if the author edited it)."""
        async with self._database.acquire() as connection:
            row = await connection.fetchrow(_SQL["read_change"], *self._key(question))
        return (bool(row["deleted"]), row["edited_text"]) if row else (False, None)

    async def mark_edited(self, question: IncomingMessage) -> bool:
        """Record the new text. False when the message is not a question."""
        async with self._database.acquire() as connection:
            return (
                await connection.fetchrow(_SQL["mark_edited"], *self._key(question), question.text)
                is not None
            )

    async def mark_deleted(self, channel: str, ts: str) -> bool:
        """Record that the author deleted it. False when the message is not a question."""
        async with self._database.acquire() as connection:
            return await connection.fetchrow(_SQL["mark_deleted"], self._team, channel, ts) is not None

    async def record_reply(self, question: IncomingMessage, reply_ts: str) -> None:
        """Record which message begins the answer."""
        async with self._database.acquire() as connection:
            await connection.execute(_SQL["record_reply"], *self._key(question), reply_ts)

    async def close_question(
        self, question: IncomingMessage, state: FinalState, *, text: str | None = None
    ) -> None:
        """Record the final state. text: the question as it was answered."""
        async with self._database.acquire() as connection:
            await connection.execute(_SQL["close_question"], *self._key(question), state, text)

    async def replies_to_others(self, question: IncomingMessage, messages: list[str]) -> set[str]:
        """Which of these messages (ts) begin the answer to another question."""
        async with self._database.acquire() as connection:
            rows = await connection.fetch(
                _SQL["find_replies"], self._team, question.channel, messages, question.ts
            )
        return {row["reply_ts"] for row in rows}

    async def is_participant(self, channel: str, thread_ts: str) -> bool:
        """Whether the bot was asked in this thread before."""
        async with self._database.acquire() as connection:
            return bool(await connection.fetchval(_SQL["find_participation"], self._team, channel, thread_ts))

    async def count_recent(self, question: IncomingMessage, window_s: float) -> RecentQuestions:
        """Count the questions of the asker and of the channel in the last window_s seconds."""
        async with self._database.acquire() as connection:
            row = await connection.fetchrow(
                _SQL["count_recent"], self._team, question.user, question.channel, question.ts, window_s
            )
        assert row is not None  # an aggregate always has a row
        return RecentQuestions(
            row["by_asker"], row["in_channel"], row["asker_age_s"] or 0.0, row["channel_age_s"] or 0.0
        )

    async def list_states(self, channel: str, messages: list[str]) -> dict[str, str]:
        """The states of those messages that are stored as questions, by ts."""
        async with self._database.acquire() as connection:
            rows = await connection.fetch(_SQL["list_states"], self._team, channel, messages)
        return {row["ts"]: row["state"] for row in rows}

    async def list_traces(self, question: IncomingMessage) -> list[str]:
        """The latest trace ids of this asker in this thread, newest first."""
        async with self._database.acquire() as connection:
            rows = await connection.fetch(
                _SQL["list_traces"],
                self._team,
                question.channel,
                question.thread_ts,
                question.user,
                _MAX_TRACES,
            )
        return [row["trace_id"] for row in rows]

    def _key(self, question: IncomingMessage) -> tuple[str, str, str]:
        return self._team, question.channel, question.ts


class Addressing:
    """Decides which messages are follow-up questions, beyond mentions and direct messages."""

    def __init__(self, questions: QuestionStore, settings: BotSettings) -> None:
        self._questions = questions
        self._settings = settings

    async def resolve_follow_up(self, written: IncomingMessage) -> IncomingMessage:
        """The message with `via` set when it is a follow-up in a thread of the bot and addresses nobody else."""
        if written.via is not None or not written.is_reply or not self._follows(written.channel):
            return written
        if written.text.lstrip().startswith(("<@", "<!")):
            return written
        if not await self._questions.is_participant(written.channel, written.thread_ts):
            return written
        return dataclasses.replace(written, via="follow_up")

    def _follows(self, channel: str) -> bool:
        return self._settings.follow_ups or channel in self._settings.follow_up_channels


class QuestionLimits:
    """Bounds accepted questions per person and per channel; refused questions do not count."""

    def __init__(self, questions: QuestionStore, settings: BotSettings) -> None:
        self._questions = questions
        self._settings = settings

    async def refusal_of(self, question: IncomingMessage) -> str | None:
        """What to tell the asker when a limit is reached; None when the question may be answered."""
        user_limit, channel_limit = self._settings.user_limit, self._settings.channel_limit
        if not user_limit and not channel_limit:
            return None
        recent = await self._questions.count_recent(question, self._settings.limit_window_s)
        if user_limit and recent.by_asker >= user_limit:
            return self._refusal("You have", recent.by_asker, recent.asker_age_s)
        if channel_limit and recent.in_channel >= channel_limit:
            return self._refusal("This channel has", recent.in_channel, recent.channel_age_s)
        return None

    def _refusal(self, subject: str, count: int, oldest_s: float) -> str:
        window = self._settings.limit_window_s
        return (
            f"{subject} asked {_count(count, 'question')} in the last {_duration(window)}, "
            f"which is the limit here. Please ask again in about {_duration(window - oldest_s)}."
        )


def _duration(seconds: float) -> str:
    if seconds < 90:
        return _count(max(1, round(seconds)), "second")
    if seconds < 5_400:
        return _count(round(seconds / 60), "minute")
    return _count(round(seconds / 3_600), "hour")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
