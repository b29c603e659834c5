"""Writing calls that wait for a button: kept with the question, performed once, for the asker only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from rookery.agent.question import PendingAction
from rookery.slack.incoming import Written
from rookery_core import sql

if TYPE_CHECKING:
    from rookery_core.database import Database

_SQL = sql.load("rookery.slack", "confirmations.sql")


@dataclass(frozen=True, slots=True)
class Kept:
    """A call that was kept, where it was asked for, and what its asker decided."""

    channel: str
    question_ts: str
    thread_ts: str
    asker: str
    action: PendingAction
    decision: Literal["yes", "no"] | None
    fresh: bool


class Confirmations:
    def __init__(self, database: Database, team: str) -> None:
        self._database = database
        self._team = team

    async def keep(self, question: Written, actions: Sequence[PendingAction]) -> None:
        if not actions:
            return
        place = (question.channel, question.ts, question.thread_ts, question.user)
        async with self._database.acquire() as connection:
            for action in actions:
                shape: dict[str, Any] = asdict(action)
                await connection.execute(_SQL["keep"], self._team, action.id, *place, shape)

    async def decide(self, action_id: str, user: str, decision: Literal["yes", "no"]) -> bool:
        """Note what the asker decided. False when it is not theirs to decide, was decided, or is a day old."""
        async with self._database.acquire() as connection:
            row = await connection.fetchrow(_SQL["decide"], self._team, action_id, user, decision)
        return row is not None

    async def look(self, action_id: str) -> Kept | None:
        async with self._database.acquire() as connection:
            row = await connection.fetchrow(_SQL["look"], self._team, action_id)
        if row is None:
            return None
        values: dict[str, Any] = {**dict(row.items()), "action": PendingAction(**row["action"])}
        return Kept(**values)
