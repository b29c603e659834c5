"""Writes down what runs do, without making an answer wait for a database that is not there."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from rookery.agent.question import Answer, Question, ToolCall
from rookery.agent.run import ModelCall
from rookery.usage import Usage
from rookery_core.errors import RateLimited, RookeryError
from rookery_core.telemetry import get_logger

if TYPE_CHECKING:
    from rookery.settings import AgentSettings
    from rookery.traces.store import TraceStore
    from rookery_core.database import LazyDatabase

logger = get_logger(__name__)
T = TypeVar("T")
PATIENCE_S = 3.0


class Recorder:
    """Records the runs of one agent in schema `agent`. A database that fails costs the trace, not the answer."""

    def __init__(self, settings: AgentSettings) -> None:
        from rookery_core.database import LazyDatabase

        self._settings = settings
        self._gate: LazyDatabase = LazyDatabase(
            settings, role="rookery_agent", application_name="rookery agent", max_connections=4
        )

    def start(self) -> None:
        """Begin to open the database, in the background."""
        self._gate.start()

    async def close(self) -> None:
        await self._gate.close()

    async def store(self, patience_s: float = PATIENCE_S) -> TraceStore:
        """The store. Raises Unavailable when the database is not there in time."""
        from rookery.traces.store import TraceStore

        return TraceStore(await self._gate.database(patience_s), self._settings.team)

    async def begin(self, question: Question, trace_id: str) -> int | None:
        """A run starts. Returns its attempt, or None when it cannot be recorded."""

        async def begin() -> int:
            return await (await self.store()).begin(question, trace_id)

        return await _or_none(begin())

    async def finish(self, answer: Answer, model_calls: Sequence[ModelCall], attempt: int) -> None:
        """What came of a run."""

        async def finish() -> None:
            await (await self.store()).finish(answer, model_calls, attempt)

        await _or_none(finish())

    async def fail(
        self,
        trace_id: str,
        problem: str,
        attempt: int,
        *,
        usage: Usage | None = None,
        cost_usd: float | None = 0.0,
        model_calls: Sequence[ModelCall] = (),
        tool_calls: Sequence[ToolCall] = (),
    ) -> None:
        """A run ended without an answer; what it had used counts all the same."""

        async def fail() -> None:
            store = await self.store()
            await store.fail(trace_id, problem, usage or Usage(), cost_usd, model_calls, tool_calls, attempt)

        await _or_none(fail())

    async def check_day(self, question: Question) -> None:
        """Raises RateLimited, in words for the asker, when the day's money is spent.

        Raises Unavailable when that cannot be looked up: a limit that nobody can check holds.
        """
        of_user, of_team = self._settings.max_user_day_usd, self._settings.max_day_usd
        if question.caller.kind == "agent":  # what it does for everybody is nobody's own spending
            of_user = None
        if of_user is None and of_team is None:
            return
        midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        spent_by_user, spent_by_team = await (await self.store()).spent(question.caller.user, midnight)
        until = (midnight.timestamp() + 86_400) - datetime.now(UTC).timestamp()
        if of_user is not None and spent_by_user >= of_user:
            raise RateLimited(
                f"Your questions of today have used up the limit of ${of_user:.2f} a person and day.",
                hint="It begins anew at midnight UTC.",
                retry_after_s=until,
            )
        if of_team is not None and spent_by_team >= of_team:
            raise RateLimited(
                f"Today's questions have used up the limit of ${of_team:.2f} a day for everybody.",
                hint="It begins anew at midnight UTC.",
                retry_after_s=until,
            )


async def _or_none(recording: Awaitable[T]) -> T | None:
    try:
        return await recording
    except (TimeoutError, RookeryError, OSError) as error:
        logger.info("not recorded: %s", error)
        return None
