"""What drawing facts cost, in the traces beside the answers: `rookery trace` lists it, limits on money count it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rookery.agent.limits import RunLimits
from rookery.agent.question import Answer, Question, Timings, ToolCall
from rookery.agent.run import ModelCall
from rookery.models.usage import Usage
from rookery_core.errors import RookeryError
from rookery_core.telemetry import get_logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from rookery.agent.agent import Agent
    from rookery.extraction.turns import NewTurns
    from rookery.models.protocol import ModelReply, ModelRequest
    from rookery.traces.store import TraceStore
    from rookery_core.queue import Event

_log = get_logger(__name__)


def trace_of(team: str, event: Event) -> str:
    """One trace for all attempts at an event; not that of the answer during which the turns were stored."""
    return hashlib.sha256(f"{team}/{event.topic}/{event.id}".encode()).hexdigest()[:32]


@dataclass(slots=True)
class Record:
    """The run of one attempt: its model calls, its tool calls, what they cost."""

    agent: Agent
    question: Question
    attempt: int | None = None
    model_calls: list[ModelCall] = field(default_factory=list[ModelCall])
    usage: Usage = field(default_factory=Usage)
    _started: float = field(default_factory=time.perf_counter)

    @classmethod
    def of(cls, agent: Agent, told: NewTurns, trace: str) -> Record:
        text = f"Facts from turns {told.first} to {told.last} of the conversation {told.conversation!r}"
        return cls(agent, Question(text=text, caller=told.caller, trace_id=trace))

    async def begin(self) -> None:
        """Raises RateLimited when the day's money is spent."""
        recorder = self.agent.recorder
        if recorder is not None:
            await recorder.check_day(self.question)
            self.attempt = await recorder.begin(self.question, self._trace)

    async def ask(self, request: ModelRequest) -> ModelReply:
        """Ask the model, and note what it used. Raises a ModelError."""
        from rookery.extraction.asking import NOBODY

        started = time.perf_counter()
        reply = await self.agent.model.reply(request, NOBODY)
        duration = (time.perf_counter() - started) * 1e3
        self.usage.add(reply.usage)
        self.model_calls.append(
            ModelCall(model=reply.model, duration_ms=duration, usage=reply.usage, stop=reply.stop)
        )
        return reply

    async def finished(self, calls: Sequence[ToolCall], told: str) -> None:
        """The facts are stored. told: what came of it, without what the facts say."""
        if (attempt := self.attempt) is None:
            return
        total = (time.perf_counter() - self._started) * 1e3
        model_ms = sum(call.duration_ms for call in self.model_calls)
        answer = Answer(
            markdown=told,
            citations=(),
            tool_calls=tuple(calls),
            usage=self.usage,
            cost_usd=self._cost(),
            model=self.model_calls[-1].model if self.model_calls else self.agent.model.name,
            extractive=False,
            trace_id=self._trace,
            timings=Timings(
                total_ms=total,
                model_ms=model_ms,
                tools_ms=sum(call.duration_ms for call in calls),
                own_ms=0.0,
            ),
        )
        await self._note(lambda store: store.finish(answer, self.model_calls, attempt))

    async def failed(self, problem: str) -> None:
        """The attempt ended without facts; what it had used counts all the same."""
        if (attempt := self.attempt) is None:
            return
        cost = self._cost()
        await self._note(
            lambda store: store.fail(self._trace, problem, self.usage, cost, self.model_calls, (), attempt)
        )

    async def _note(self, write: Callable[[TraceStore], Awaitable[None]]) -> None:
        """A database that fails costs the trace, not the facts."""
        recorder = self.agent.recorder
        if recorder is None:
            return
        try:
            await write(await recorder.store())
        except (RookeryError, OSError, TimeoutError) as error:
            _log.info("not recorded: %s", error)

    @property
    def _trace(self) -> str:
        assert self.question.trace_id is not None
        return self.question.trace_id

    def _cost(self) -> float | None:
        return RunLimits.of(self.agent.settings, self.agent.prices).cost(self.model_calls)
