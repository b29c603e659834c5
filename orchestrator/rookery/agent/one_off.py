"""Asking the model outside of any answer, such as for a judgment or for facts: written down with its cost as a run is."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rookery.agent.limits import RunLimits
from rookery.agent.question import Answer, Question, Timings
from rookery.models.protocol import Listener, ModelReply, ModelRequest
from rookery.traces.records import ModelCall, ToolCall
from rookery.usage import Usage
from rookery_core.telemetry import new_trace_id

if TYPE_CHECKING:
    from rookery.agent.agent import Agent


class OneOffCalls:
    """One attempt at such work: `begin`, `ask` as often as needed, then `finished` or `failed`.

    about: what the model is asked, for whom and under which trace, as the record shows it.
    """

    def __init__(self, agent: Agent, about: Question) -> None:
        self._agent = agent
        self._about = about
        self._trace = about.trace_id or new_trace_id()
        self._attempt: int | None = None
        self._calls: list[ModelCall] = []
        self._usage = Usage()
        self._started = time.perf_counter()

    async def begin(self) -> None:
        """Raises RateLimited when the day's money is spent."""
        if (recorder := self._agent.recorder) is not None:
            await recorder.check_day(self._about)
            self._attempt = await recorder.begin(self._about, self._trace)

    async def ask(self, request: ModelRequest) -> ModelReply:
        """Ask the model, and note what it used. Raises ModelError."""
        started = time.perf_counter()
        reply = await self._agent.model.reply(request, _NOBODY)
        self._usage.add(reply.usage)
        self._calls.append(
            ModelCall(
                model=reply.model,
                asked=reply.asked,
                duration_ms=(time.perf_counter() - started) * 1e3,
                usage=reply.usage,
                stop=reply.stop,
            )
        )
        return reply

    async def finished(self, told: str, tool_calls: Sequence[ToolCall] = ()) -> None:
        """The work is done. told: what came of it, as the record shows it."""
        recorder, attempt = self._agent.recorder, self._attempt
        if recorder and attempt:
            await recorder.finish(self._answer(told, tool_calls), self._calls, attempt)

    async def failed(self, problem: str) -> None:
        """The attempt came to nothing; what it had used counts all the same."""
        recorder, attempt = self._agent.recorder, self._attempt
        if recorder and attempt:
            await recorder.fail(
                self._trace,
                problem,
                attempt,
                usage=self._usage,
                cost_usd=self._cost(),
                model_calls=self._calls,
            )

    def _answer(self, told: str, tool_calls: Sequence[ToolCall]) -> Answer:
        return Answer(
            markdown=told,
            citations=(),
            tool_calls=tuple(tool_calls),
            usage=self._usage,
            cost_usd=self._cost(),
            model=self._calls[-1].model if self._calls else self._agent.model.name,
            extractive=False,
            trace_id=self._trace,
            timings=Timings(
                total_ms=(time.perf_counter() - self._started) * 1e3,
                model_ms=sum(call.duration_ms for call in self._calls),
                tools_ms=sum(call.duration_ms for call in tool_calls),
                own_ms=0.0,
            ),
        )

    def _cost(self) -> float | None:
        return RunLimits.of(self._agent.settings, self._agent.prices).cost(self._calls)


async def complete_once(agent: Agent, request: ModelRequest, about: Question) -> ModelReply:
    """Ask the model once. Raises ModelError, and RateLimited when the day's money is spent."""
    aside = OneOffCalls(agent, about)
    await aside.begin()
    try:
        reply = await aside.ask(request)
    except Exception as error:
        await aside.failed(str(error) or type(error).__name__)
        raise
    await aside.finished(reply.text)
    return reply


async def _ignore(_: str) -> None:
    return


async def _ignore_restart() -> None:
    return


_NOBODY = Listener(_ignore, _ignore, _ignore_restart)
"""Nobody listens: the reply is used when it is whole."""
