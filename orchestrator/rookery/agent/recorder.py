"""Records runs without making an answer wait for an unavailable database."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from rookery.agent.question import Answer, Question
from rookery.traces.records import ModelCall, RunResult, ToolCall
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
        """Record the start of a run. Returns its attempt, or None when it cannot be recorded."""

        async def begin() -> int:
            return await (await self.store()).begin_run(trace_id, question.text, question.caller)

        return await _or_none(begin())

    async def finish(self, answer: Answer, model_calls: Sequence[ModelCall], attempt: int) -> None:
        """Record the end of a run."""

        async def finish() -> None:
            await (await self.store()).finish_run(_result_of(answer, model_calls), attempt)

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
        """Record that a run ended without an answer; what it used still counts."""

        async def fail() -> None:
            store = await self.store()
            await store.fail_run(
                trace_id, problem, usage or Usage(), cost_usd, model_calls, tool_calls, attempt
            )

        await _or_none(fail())

    async def check_day(self, question: Question) -> None:
        """Raises RateLimited, with a message for the asker, when a daily limit is used up.

        Raises Unavailable when that cannot be checked: a limit that cannot be checked applies.
        """
        of_user, of_team = self._settings.max_user_day_usd, self._settings.max_day_usd
        if question.caller.kind == "agent":  # work for everybody is not charged to a person
            of_user = None
        if of_user is None and of_team is None:
            return
        midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        spent_by_user, spent_by_team = await (await self.store()).spent(question.caller.user, midnight)
        until = (midnight.timestamp() + 86_400) - datetime.now(UTC).timestamp()
        if of_user is not None and spent_by_user >= of_user:
            raise RateLimited(
                f"Your questions have used up today's limit of ${of_user:.2f} per person.",
                hint="The limit resets at midnight UTC.",
                retry_after_s=until,
            )
        if of_team is not None and spent_by_team >= of_team:
            raise RateLimited(
                f"Questions have used up today's limit of ${of_team:.2f} for everybody.",
                hint="The limit resets at midnight UTC.",
                retry_after_s=until,
            )


def _result_of(answer: Answer, model_calls: Sequence[ModelCall]) -> RunResult:
    return RunResult(
        trace_id=answer.trace_id,
        answer=answer.markdown,
        citations=[asdict(citation) for citation in answer.citations],
        model=answer.model,
        extractive=answer.extractive,
        stop_reason=answer.stop_reason,
        usage=answer.usage,
        cost_usd=answer.cost_usd,
        total_ms=answer.timings.total_ms,
        model_ms=answer.timings.model_ms,
        tools_ms=answer.timings.tools_ms,
        removed_links=answer.removed_links,
        model_calls=model_calls,
        tool_calls=answer.tool_calls,
        pending=answer.pending,
    )


async def _or_none(recording: Awaitable[T]) -> T | None:
    try:
        return await recording
    except (TimeoutError, RookeryError, OSError) as error:
        logger.info("not recorded: %s", error)
        return None
