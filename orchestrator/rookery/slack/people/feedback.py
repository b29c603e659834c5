"""What readers think of an answer: a thumb, words, and one to five stars, stored with the trace of the run that made it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from rookery_core import sql

if TYPE_CHECKING:
    from rookery_core.database import Database

_SQL = sql.load("rookery.slack.people", "feedback.sql")


@dataclass(frozen=True, slots=True)
class FeedbackSummary:
    """mean_stars: of the `rated` answers that were given 1 to 5; None when there are none."""

    up: int
    down: int
    comments: int
    rated: int
    mean_stars: float | None


@dataclass(frozen=True, slots=True)
class UnratedAnswer:
    """An answer that its asker has said nothing about. text: the question, in Slack's markup."""

    channel: str
    thread_ts: str
    reply_ts: str
    text: str


class FeedbackStore:
    """One vote and one comment for each person and answer; the last ones count."""

    def __init__(self, database: Database, team: str) -> None:
        self._database = database
        self._team = team

    async def rate(self, reference: str, user: str, rating: Literal[-1, 1]) -> None:
        """reference: the question's key, channel:ts, as the buttons carry it."""
        async with self._database.acquire() as connection:
            await connection.execute(_SQL["rate"], self._team, *place_of(reference), user, rating)

    async def comment(self, reference: str, user: str, text: str, stars: int | None = None) -> None:
        """stars: from 1 to 5; None leaves those that were given before."""
        async with self._database.acquire() as connection:
            await connection.execute(
                _SQL["comment"], self._team, *place_of(reference), user, text[:3000], stars
            )

    async def unrated(self, asker: str) -> list[UnratedAnswer]:
        """A person's answers of the last day that they have said nothing about, oldest first."""
        async with self._database.acquire() as connection:
            rows = await connection.fetch(_SQL["unrated"], self._team, asker)
        return [UnratedAnswer(*row.values()) for row in rows]

    async def summary(self, days: int) -> FeedbackSummary:
        """How many of each kind in the last days."""
        async with self._database.acquire() as connection:
            row = await connection.fetchrow(_SQL["summary"], self._team, days)
        assert row is not None  # an aggregate always has a row
        return FeedbackSummary(*row.values())


def place_of(reference: str) -> tuple[str, str]:
    """Channel and ts of a question's key."""
    channel, _, ts = reference.partition(":")
    return channel, ts
