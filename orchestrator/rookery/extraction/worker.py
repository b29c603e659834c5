"""The handler of the subscription `memory.facts`: from an event about new turns to facts in memory, each once.

What the model said is written to the ledger of effects before any of it is remembered, so that a repeated attempt
remembers the same sentences (which the memory server then knows already) instead of asking again and getting others; and
so are the known facts that it judged untrue, before they are replaced. The ledger's copy is deleted with the event.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from rookery.agent.one_off import OneOffCalls
from rookery.agent.question import Question
from rookery.extraction import replacement
from rookery.extraction.facts import Fact, read_facts
from rookery.extraction.memory import Memory
from rookery.extraction.prompts import request_for
from rookery.extraction.replies import Malformed
from rookery.extraction.turns import NewTurns, Said, batches, new_turns
from rookery.mcp.memory_client import MemoryClient
from rookery.models.protocol import ModelError, ModelKeyRefused
from rookery_core.errors import NotAllowed, Unavailable
from rookery_core.queue import PermanentFailure, RetryLater
from rookery_core.telemetry import get_logger

if TYPE_CHECKING:
    from rookery.agent.agent import Agent
    from rookery.extraction.replacement import Stored
    from rookery_core.mcp.connection import Connection
    from rookery_core.queue import Attempt, Event

EARLIER = 4
LONGEST_BATCH = 24_000
PATIENCE_S, KEY_PATIENCE_S = 15.0, 300.0
_log = get_logger(__name__)


def trace_of(team: str, event: Event) -> str:
    """One trace for all attempts at an event; not that of the answer during which the turns were stored."""
    return hashlib.sha256(f"{team}/{event.topic}/{event.id}".encode()).hexdigest()[:32]


class ExtractionWorker:
    """Draws facts from the turns that an event names, with the agent's model, for who added them."""

    def __init__(self, agent: Agent, memory: Connection) -> None:
        self._agent = agent
        self._memory = memory

    async def __call__(self, event: Event, attempt: Attempt) -> None:
        try:
            told = new_turns(event.payload, attempt.queue.team)
        except ValueError as error:
            raise PermanentFailure(str(error)) from None
        trace = trace_of(attempt.queue.team, event)
        record = OneOffCalls(self._agent, _about(told, trace))
        try:
            client = MemoryClient(
                self._memory,
                told.caller,
                context_key=self._agent.context_key,
                trace=trace,
                timeout_s=self._agent.settings.tool_timeout_s,
            )
            await record.begin()
            stored = await self._work(told, Memory(client, told), record, attempt)
        except Exception as error:
            await record.failed(str(error) or type(error).__name__)
            raise _verdict(error) from error
        facts = {one.fact.content for one in stored}
        result = f"{len(facts)} facts from {told.last - told.first + 1} turns."
        await record.finished(result, [one.call for one in stored])
        await _complete(attempt)

    async def _work(
        self, told: NewTurns, memory: Memory, record: OneOffCalls, attempt: Attempt
    ) -> list[Stored]:
        turns = await memory.turns(max(told.first - EARLIER, 0), told.last)
        new = [turn for turn in turns if turn.position >= told.first]
        earlier = [turn for turn in turns if turn.position < told.first]
        known = {row["name"]: row["request"] for row in await attempt.queue.effects.of(attempt.event)}
        stored: list[Stored] = []
        for number, batch in enumerate(batches(new, self._characters())):
            facts = await _once(
                attempt, known, f"facts:{number}", partial(self._draw, record, earlier, batch)
            )
            remembered = await _remember(memory, told, facts, new)
            untrue = await _once(attempt, known, f"untrue:{number}", partial(self._judge, record, remembered))
            stored += [*remembered, *await _remember(memory, told, untrue, new)]
            earlier = batch[-EARLIER:]
        return stored

    async def _draw(
        self, record: OneOffCalls, earlier: Sequence[Said], batch: Sequence[Said]
    ) -> list[dict[str, Any]]:
        clipped = [turn for turn in earlier if len(turn.content) <= LONGEST_BATCH // EARLIER]
        reply = await record.ask(request_for(self._agent.prompts, clipped, batch))
        if reply.stop == "refusal":
            raise PermanentFailure("the model declined to read these turns")
        said = "\n".join(turn.content for turn in (*earlier, *batch))
        return [fact.as_json() for fact in read_facts(reply.text, [turn.position for turn in batch], said)]

    async def _judge(self, record: OneOffCalls, stored: Sequence[Stored]) -> list[dict[str, Any]]:
        """The facts that make known ones untrue, and which."""
        doubted = replacement.doubts(stored, self._characters())
        if not doubted:
            return []
        reply = await record.ask(replacement.request_for(self._agent.prompts, doubted))
        found = [] if reply.stop == "refusal" else replacement.read_replacements(reply.text, doubted)
        return [{**fact.as_json(), "replaces": ids} for fact, ids in found]

    def _characters(self) -> int:
        """How much of a conversation goes into one request: what leaves room for the rest in a small window."""
        return min(LONGEST_BATCH, self._agent.model.context_tokens)


def _about(told: NewTurns, trace: str) -> Question:
    """What the record of the run shows: nothing of what the turns say."""
    text = f"Facts from turns {told.first} to {told.last} of the conversation {told.conversation!r}"
    return Question(text=text, caller=told.caller, trace_id=trace)


async def _once(
    attempt: Attempt, known: Mapping[str, Any], name: str, say: Callable[[], Awaitable[Any]]
) -> Any:
    """What the model said to this when it was first asked; `known` is what earlier attempts have in the ledger."""
    written = known[name] if name in known else await say()
    return (await attempt.intend(name, written)).request


async def _complete(attempt: Attempt) -> None:
    """Complete the event, and with it delete what the ledger holds of the facts."""
    effects = attempt.queue.effects
    noted = [await attempt.intend(row["name"]) for row in await effects.of(attempt.event)]
    async with attempt.transaction() as connection:
        for effect in noted:
            await effects.withdraw(effect, connection=connection)


async def _remember(
    memory: Memory, told: NewTurns, facts: Sequence[dict[str, Any]], turns: Sequence[Said]
) -> list[Stored]:
    """Store the facts of a batch, each in the place of what it replaces, unless their turns were erased while the
    model read them."""
    if not facts or not await memory.turns(told.first, told.first):
        return []
    of_position = {turn.position: turn for turn in turns}
    stored: list[Stored] = []
    for written in facts:
        fact = Fact.from_json(written)
        sources = [of_position[position] for position in fact.positions if position in of_position]
        if sources:
            stored.append(await memory.remember(fact, sources, written.get("replaces", ())))
    return stored


def _verdict(error: Exception) -> Exception:
    """What the queue is to do about a failure: waiting for others counts as no attempt."""
    if isinstance(error, ModelKeyRefused):
        return RetryLater(KEY_PATIENCE_S, str(error), counts=False)
    if isinstance(error, Unavailable):
        return RetryLater(max(error.retry_after_s or 0.0, PATIENCE_S), str(error), counts=False)
    if isinstance(error, ModelError | NotAllowed):
        return PermanentFailure(str(error))
    if isinstance(error, Malformed):
        return RetryLater(5.0, str(error))
    return error
