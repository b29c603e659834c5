"""Feedback on answers: a thumb, a comment, and one to five stars, stored with the trace of the answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from rookery_core import sql

if TYPE_CHECKING:
    from rookery_core.database import Database

_SQL = sql.load("rookery.slack.people", "feedback.sql")


@dataclass(frozen=True, slots=True)
class FeedbackSummary:
    """Counts of feedback. mean_stars: 1 to 5, of the `rated` answers; None without any."""

    up: int
    down: int
    comments: int
    rated: int
    mean_stars: float | None


@dataclass(frozen=True, slots=True)
class UnratedAnswer:
    """An answer without feedback of its asker. text: the question, in Slack's markup."""

    channel: str
    thread_ts: str
    reply_ts: str
    text: str


class FeedbackStore:
    """One vote and one comment per person and answer; the last ones count."""

    def __init__(self, database: Database, team: str) -> None:
        self._database = database
        self._team = team

    async def rate_answer(self, reference: str, user: str, rating: Literal[-1, 1]) -> None:
        """Store a vote. reference: the question's key, channel:ts, as the buttons carry it."""
        async with self._database.acquire() as connection:
            await connection.execute(_SQL["rate"], self._team, *split_key(reference), user, rating)

    async def add_comment(self, reference: str, user: str, text: str, stars: int | None = None) -> None:
        """Store a comment. stars: 1 to 5; None keeps an earlier rating."""
        async with self._database.acquire() as connection:
            await connection.execute(
                _SQL["comment"], self._team, *split_key(reference), user, text[:3000], stars
            )

    async def list_unrated(self, asker: str) -> list[UnratedAnswer]:
        """A person's answers of the last day without their feedback, oldest first."""
        async with self._database.acquire() as connection:
            rows = await connection.fetch(_SQL["unrated"], self._team, asker)
        return [UnratedAnswer(*row.values()) for row in rows]

    async def summarize(self, days: int) -> FeedbackSummary:
        """Counts of the last `days` days."""
        async with self._database.acquire() as connection:
            row = await connection.fetchrow(_SQL["summary"], self._team, days)
        assert row is not None  # an aggregate always has a row
        return FeedbackSummary(*row.values())


def split_key(reference: str) -> tuple[str, str]:
    """(channel, ts) of a question's key."""
    channel, _, ts = reference.partition(":")
    return channel, ts
