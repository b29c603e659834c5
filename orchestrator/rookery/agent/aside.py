"""A request to the model outside of any answer, such as a judgment, written down with what it cost as a run is."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rookery.agent.limits import RunLimits
from rookery.agent.question import Answer, Question, Timings
from rookery.agent.run import ModelCall
from rookery.models.protocol import Listener, ModelReply, ModelRequest
from rookery_core.telemetry import new_trace_id

if TYPE_CHECKING:
    from rookery.agent.agent import Agent


async def ask_aside(agent: Agent, request: ModelRequest, about: Question) -> ModelReply:
    """Ask the model once. about: what it is asked, for whom and under which trace, as the record shows it.

    Raises ModelError, and RateLimited when the day's money is spent.
    """
    recorder = agent.recorder
    if recorder is not None:
        await recorder.check_day(about)
    trace = about.trace_id or new_trace_id()
    attempt = await recorder.begin(about, trace) if recorder else None
    started = time.perf_counter()
    try:
        reply = await agent.model.reply(request, Listener(_ignore, _ignore, _ignore_restart))
    except Exception as error:
        if recorder and attempt:
            await recorder.fail(trace, str(error) or type(error).__name__, attempt)
        raise
    if recorder and attempt:
        call = ModelCall(
            model=reply.model,
            duration_ms=(time.perf_counter() - started) * 1e3,
            usage=reply.usage,
            stop=reply.stop,
        )
        await recorder.finish(_answered(agent, reply, call, trace), [call], attempt)
    return reply


def _answered(agent: Agent, reply: ModelReply, call: ModelCall, trace: str) -> Answer:
    return Answer(
        markdown=reply.text,
        citations=(),
        tool_calls=(),
        usage=reply.usage,
        cost_usd=RunLimits.of(agent.settings, agent.prices).cost([call]),
        model=reply.model,
        extractive=False,
        trace_id=trace,
        timings=Timings(total_ms=call.duration_ms, model_ms=call.duration_ms, tools_ms=0.0, own_ms=0.0),
    )


async def _ignore(_: str) -> None:
    return


async def _ignore_restart() -> None:
    return
