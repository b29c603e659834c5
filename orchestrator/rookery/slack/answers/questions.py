"""The questions the bot was asked, as the database has them: `agent.slack_question`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from rookery.slack.event_types import IncomingMessage
from rookery_core import sql

if TYPE_CHECKING:
    from rookery_core.database import Connection, Database

FinalState = Literal["answered", "failed", "cancelled", "refused", "ignored"]
_MAX_TRACES = 5
_SQL = sql.load("rookery.slack.answers", "questions.sql")


@dataclass(frozen=True, slots=True)
class StoredQuestion:
    """What is known of a question that is taken up. text: as its author last wrote it, None when unchanged."""

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
    """How much was asked lately, this question aside; ages in seconds of the oldest one in the window."""

    by_asker: int
    in_channel: int
    asker_age_s: float
    channel_age_s: float


class QuestionStore:
    """Reads and writes the state of questions of one team."""

    def __init__(self, database: Database, team: str) -> None:
        self._database = database
        self._team = team

    async def note(self, questions: Sequence[IncomingMessage], connection: Connection) -> None:
        """Record questions in the caller's transaction."""
        rows = [(one.channel, one.ts, one.thread_ts, one.user) for one in questions]
        if rows:
            await connection.execute(_SQL["note"], self._team, *map(list, zip(*rows, strict=True)))

    async def begin(self, question: IncomingMessage, kind: str, trace_id: str) -> StoredQuestion:
        """Take the question up. A question that is finished stays so, and says so."""
        async with self._database.acquire() as connection:
            row = await connection.fetchrow(
                _SQL["begin"], *self._at(question), question.thread_ts, question.user, kind, trace_id
            )
        assert row is not None  # an upsert returns its row
        return StoredQuestion(*row.values())

    async def reopen(self, question: IncomingMessage) -> bool:
        """Work on an answered question again. False when it is not answered."""
        async with self._database.acquire() as connection:
            return await connection.fetchrow(_SQL["reopen"], *self._at(question)) is not None

    async def changed(self, question: IncomingMessage) -> tuple[bool, str | None]:
        """Whether the question was taken back, and its text if its author changed it."""
        async with self._database.acquire() as connection:
            row = await connection.fetchrow(_SQL["change"], *self._at(question))
        return (bool(row["deleted"]), row["edited_text"]) if row else (False, None)

    async def mark_edited(self, question: IncomingMessage) -> bool:
        """Note the new text. False when the message is no question of ours."""
        async with self._database.acquire() as connection:
            return await connection.fetchrow(_SQL["edited"], *self._at(question), question.text) is not None

    async def mark_deleted(self, channel: str, ts: str) -> bool:
        """Note that it is gone. False when the message is no question of ours."""
        async with self._database.acquire() as connection:
            return await connection.fetchrow(_SQL["deleted"], self._team, channel, ts) is not None

    async def replied(self, question: IncomingMessage, reply_ts: str) -> None:
        """Note which message begins its answer."""
        async with self._database.acquire() as connection:
            await connection.execute(_SQL["replied"], *self._at(question), reply_ts)

    async def finish(self, question: IncomingMessage, state: FinalState, *, text: str | None = None) -> None:
        """Note how it ended. text: the question as it was answered."""
        async with self._database.acquire() as connection:
            await connection.execute(_SQL["finish"], *self._at(question), state, text)

    async def answers_of_others(self, question: IncomingMessage, replies: list[str]) -> set[str]:
        """Which of these messages answer another question."""
        async with self._database.acquire() as connection:
            rows = await connection.fetch(
                _SQL["answered_by"], self._team, question.channel, replies, question.ts
            )
        return {row["reply_ts"] for row in rows}

    async def takes_part(self, channel: str, thread_ts: str) -> bool:
        """Whether the bot was asked in this thread before."""
        async with self._database.acquire() as connection:
            return bool(await connection.fetchval(_SQL["takes_part"], self._team, channel, thread_ts))

    async def recent(self, question: IncomingMessage, window_s: float) -> RecentQuestions:
        """What its asker, and others in its channel, asked in the last window_s seconds."""
        async with self._database.acquire() as connection:
            row = await connection.fetchrow(
                _SQL["recent"], self._team, question.user, question.channel, question.ts, window_s
            )
        assert row is not None  # an aggregate always has a row
        return RecentQuestions(row[0], row[1], row[2] or 0.0, row[3] or 0.0)

    async def states_of(self, channel: str, messages: list[str]) -> dict[str, str]:
        """The states of those messages that are known as questions, by ts."""
        async with self._database.acquire() as connection:
            rows = await connection.fetch(_SQL["states_of"], self._team, channel, messages)
        return {row["ts"]: row["state"] for row in rows}

    async def traces_of(self, question: IncomingMessage) -> list[str]:
        """The latest trace ids of this asker in this thread, newest first."""
        async with self._database.acquire() as connection:
            rows = await connection.fetch(
                _SQL["traces_of"],
                self._team,
                question.channel,
                question.thread_ts,
                question.user,
                _MAX_TRACES,
            )
        return [row["trace_id"] for row in rows]

    def _at(self, question: IncomingMessage) -> tuple[str, str, str]:
        return self._team, question.channel, question.ts
