"""The handler of the subscription `memory.facts`: from an event about new turns to facts in memory, each once.

What the model said is written to the ledger of effects before any of it is remembered, so that a repeated attempt
remembers the same sentences (which the memory server then knows already) instead of asking anew and getting others.
The ledger's copy is deleted with the event.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rookery.agent.aside import Aside
from rookery.agent.question import Question
from rookery.extraction.asking import request_for
from rookery.extraction.facts import Fact, Malformed, read_facts
from rookery.extraction.memory import Memory, unavailable
from rookery.extraction.turns import NewTurns, Said, batches, new_turns
from rookery.models.protocol import ModelError, ModelKeyRefused
from rookery_core.errors import NotAllowed, Unavailable
from rookery_core.queue import PermanentFailure, RetryLater
from rookery_core.telemetry import get_logger

if TYPE_CHECKING:
    from rookery.agent.agent import Agent
    from rookery.agent.question import ToolCall
    from rookery.mcp.connection import Connection
    from rookery_core.queue import Attempt, Event

EARLIER = 4
LONGEST_BATCH = 24_000
KEY_PATIENCE_S = 300.0
_log = get_logger(__name__)


def trace_of(team: str, event: Event) -> str:
    """One trace for all attempts at an event; not that of the answer during which the turns were stored."""
    return hashlib.sha256(f"{team}/{event.topic}/{event.id}".encode()).hexdigest()[:32]


class ExtractionWorker:
    """Draws facts from the turns that an event tells of, with the agent's model, for who added them."""

    def __init__(self, agent: Agent, memory: Connection) -> None:
        self._agent = agent
        self._memory = memory

    async def __call__(self, event: Event, attempt: Attempt) -> None:
        try:
            told = new_turns(event.payload, attempt.queue.team)
        except ValueError as error:
            raise PermanentFailure(str(error)) from None
        trace = trace_of(attempt.queue.team, event)
        record = Aside(self._agent, _about(told, trace))
        try:
            memory = Memory(
                self._memory,
                told,
                context_key=self._agent.context_key,
                trace=trace,
                timeout_s=self._agent.settings.tool_timeout_s,
            )
            await record.begin()
            calls = await self._work(told, memory, record, attempt)
        except Exception as error:
            await record.failed(str(error) or type(error).__name__)
            raise _verdict(error) from error
        await record.finished(f"{len(calls)} facts from {told.last - told.first + 1} turns.", calls)
        await _complete(attempt)

    async def _work(self, told: NewTurns, memory: Memory, record: Aside, attempt: Attempt) -> list[ToolCall]:
        turns = await memory.turns(max(told.first - EARLIER, 0), told.last)
        new = [turn for turn in turns if turn.position >= told.first]
        earlier = [turn for turn in turns if turn.position < told.first]
        known = {row["name"]: row["request"] for row in await attempt.queue.effects.of(attempt.event)}
        calls: list[ToolCall] = []
        for number, batch in enumerate(batches(new, self._characters())):
            name = f"facts:{number}"
            found = known.get(name)
            if found is None:
                found = [fact.as_json() for fact in await self._draw(record, earlier, batch)]
            effect = await attempt.intend(name, found)
            calls += await _remember(memory, told, effect.request, new)
            earlier = batch[-EARLIER:]
        return calls

    async def _draw(self, record: Aside, earlier: Sequence[Said], batch: Sequence[Said]) -> list[Fact]:
        clipped = [turn for turn in earlier if len(turn.content) <= LONGEST_BATCH // EARLIER]
        reply = await record.ask(request_for(self._agent.prompts, clipped, batch))
        if reply.stop == "refusal":
            raise PermanentFailure("the model declined to read these turns")
        said = "\n".join(turn.content for turn in (*earlier, *batch))
        return read_facts(reply.text, [turn.position for turn in batch], said)

    def _characters(self) -> int:
        """How much of a conversation goes into one request: what leaves room for the rest in a small window."""
        return min(LONGEST_BATCH, self._agent.model.context_tokens)


def _about(told: NewTurns, trace: str) -> Question:
    """What the record of the run shows: nothing of what the turns say."""
    text = f"Facts from turns {told.first} to {told.last} of the conversation {told.conversation!r}"
    return Question(text=text, caller=told.caller, trace_id=trace)


async def _complete(attempt: Attempt) -> None:
    """Complete the event, and with it delete what the ledger holds of the facts."""
    effects = attempt.queue.effects
    noted = [await attempt.intend(row["name"]) for row in await effects.of(attempt.event)]
    async with attempt.transaction() as connection:
        for effect in noted:
            await effects.withdraw(effect, connection=connection)


async def _remember(
    memory: Memory, told: NewTurns, facts: Sequence[dict[str, Any]], turns: Sequence[Said]
) -> list[ToolCall]:
    """Store the facts of a batch, unless their turns were erased while the model read them."""
    if not facts or not await memory.turns(told.first, told.first):
        return []
    of_position = {turn.position: turn for turn in turns}
    calls: list[ToolCall] = []
    for fact in map(Fact.from_json, facts):
        sources = [of_position[position] for position in fact.positions if position in of_position]
        if sources:
            calls.append(await memory.remember(fact, sources))
    return calls


def _verdict(error: Exception) -> Exception:
    """What the queue is to do about a failure: waiting for others counts as no attempt."""
    if isinstance(error, ModelKeyRefused):
        return RetryLater(KEY_PATIENCE_S, str(error), counts=False)
    if isinstance(error, Unavailable):
        return unavailable(error)
    if isinstance(error, ModelError | NotAllowed):
        return PermanentFailure(str(error))
    if isinstance(error, Malformed):
        return RetryLater(5.0, str(error))
    return error
