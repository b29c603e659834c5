"""What the bot remembers of a conversation: recalled with a question, stored after its answer.

What is said in a channel is stored for that channel (the memory server's scope `channel`), also in direct messages, and
is recalled automatically only there. In a direct message, which nobody else reads, everything that the asker may see is
recalled. Both calls are made for the signed asker, so that the server's own rules apply.

The turns to store are written to the effect ledger before the answer's last words are shown, and go to the memory
server through the queue afterwards: a crash in between loses nothing, and no answer waits for its memory.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from rookery.agent.question import ContextSection
from rookery.mcp.memory_client import MemoryClient, find_memory_server
from rookery.traces.records import ToolCall
from rookery_core.errors import NotAllowed, RookeryError, Unavailable
from rookery_core.identity import Caller
from rookery_core.mcp.sources import link_of, sources
from rookery_core.queue import Effect, PermanentFailure, RetryLater
from rookery_core.telemetry import get_logger, new_trace_id
from rookery_core.text import unfenced

if TYPE_CHECKING:
    from rookery.agent import Agent
    from rookery.agent.question import Answer, Question
    from rookery.slack.actions import Actions
    from rookery.slack.answers.questions import QuestionStore
    from rookery.slack.answers.turn import AnswerTurn
    from rookery.slack.event_types import IncomingMessage
    from rookery.slack.people.directory import Identity
    from rookery_core.mcp.connection import Connection
    from rookery_core.queue.effects import Effects

Json = dict[str, Any]
RECALL_PATIENCE_S = 2.0
"""How long an answer waits for recalled memories."""
STORE_PATIENCE_S, STORE_PAUSE_S = 30.0, 60.0
MAX_QUERY_CHARS, MAX_TURN_CHARS = 2_000, 100_000
FACTS = {"limit": 8, "max_tokens": 1_000}
TURNS = {"limit": 6, "max_tokens": 1_400}
logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RecalledContext:
    """What was recalled for a question, and the tool calls that recalled it."""

    sections: tuple[ContextSection, ...] = ()
    calls: tuple[ToolCall, ...] = ()


class ConversationMemory:
    """Recalls and stores conversations. Does nothing without a memory server or when it is disabled."""

    def __init__(
        self,
        agent: Agent,
        effects: Effects,
        actions: Actions,
        questions: QuestionStore,
        identity: Identity,
        *,
        enabled: bool,
    ) -> None:
        self._agent = agent
        self._effects = effects
        self._actions = actions
        self._questions = questions
        self._identity = identity
        self._enabled = enabled

    # -- before the answer ------------------------------------------------------------------------------

    async def recall_context(
        self, turn: AnswerTurn, text: str, caller: Caller, *, internal: bool
    ) -> RecalledContext:
        """Memories that may matter for the question `text`; empty when the server is late or fails."""
        server = self._server("recall", "recall_conversation", internal=internal)
        # An extractive model reads the results of its own calls only.
        if server is None or not text or self._agent.model.extractive:
            return RecalledContext()
        client = self._client(server, caller, turn.trace_id, RECALL_PATIENCE_S)
        scopes = [] if turn.room.is_direct else ["channel"]
        query = text[:MAX_QUERY_CHARS]
        (facts, facts_call), (turns, turns_call) = await asyncio.gather(
            _call_quietly(client, "recall", {"query": query, "scopes": scopes, **FACTS}),
            _call_quietly(client, "recall_conversation", {"question": query, "scopes": scopes, **TURNS}),
        )
        section = memory_section(
            server.name,
            facts.get("memories", ()),
            turns.get("turns", ()),
            current=self._conversation(turn.question),
        )
        return RecalledContext((section,) if section else (), (facts_call, turns_call))

    # -- after it ---------------------------------------------------------------------------------------

    async def save_turns(self, turn: AnswerTurn, question: Question, answer: Answer) -> None:
        """Write the turns to the ledger before the answer's last words are shown; replaces an earlier attempt's."""
        if answer.stop_reason == "declined" or not self._server("add_turns", internal=question.internal):
            return
        message = turn.question
        digest = hashlib.sha256(question.text.encode(errors="replace")).hexdigest()[:12]
        asked_at = datetime.fromtimestamp(float(message.ts), UTC)
        turns = [
            _turn(f"{message.ts}:{digest}", turn.asker.name, question.text, asked_at),
            _turn(f"{message.ts}:{digest}:answer", self._agent.name, answer.markdown, datetime.now(UTC)),
        ]
        await self._effects.withdraw(_saved_effect(message, digest))
        await self._effects.intend(
            _owner(message),
            digest,
            {
                "kind": question.caller.kind,
                "room": question.caller.room,
                "trace_id": question.trace_id,
                "turns": turns,
            },
        )

    async def schedule_storage(self, written: IncomingMessage) -> None:
        """Queue the saved turns for the memory server, now that the answer is complete."""
        if find_memory_server(self._agent.servers) is None:
            return
        for row in await self._effects.of(_owner(written)):
            key = f"{written.key}:{row['name']}"
            await self._actions.publish("remember", key, written, priority=-2, kept=row["name"])

    async def store_turns(self, written: IncomingMessage, name: str) -> None:
        """Send the turns saved under this name to the memory server. Turns of a deleted question are dropped.

        Raises RetryLater when the server is unavailable, PermanentFailure when it refuses them.
        """
        rows = [row for row in await self._effects.of(_owner(written)) if row["name"] == name]
        server = find_memory_server(self._agent.servers)
        deleted, _ = await self._questions.read_change(written)
        problem = ""
        try:
            if rows and server and not deleted:
                problem = await self._add(server, written, rows[0]["request"])
        except Unavailable as error:
            raise RetryLater(
                max(error.retry_after_s or 0.0, STORE_PAUSE_S), str(error), counts=False
            ) from None
        except NotAllowed as refused:
            problem = str(refused)
        await self._effects.withdraw(_saved_effect(written, name))
        if problem:
            raise PermanentFailure(f"The memory server did not store the conversation: {problem}")

    async def _add(self, server: Connection, written: IncomingMessage, saved: Json) -> str:
        """Add the turns; returns why the server refused them, empty when it did not."""
        caller = Caller(
            team=self._agent.settings.team,
            user=written.user,
            kind=saved["kind"],
            channel=written.channel,
            room=saved.get("room"),
        )
        client = self._client(server, caller, saved["trace_id"] or new_trace_id(), STORE_PATIENCE_S)
        arguments = {"conversation": self._conversation(written), "turns": saved["turns"], "scope": "channel"}
        # Without repetition: a worker that waits for a server that is down answers nobody meanwhile.
        answer = await client.call("add_turns", arguments, repeat=False)
        return answer.problem

    # -- the server ------------------------------------------------------------------------------------

    def _server(self, *tools: str, internal: bool) -> Connection | None:
        """The memory server, when it may be used for this question with these tools."""
        server = find_memory_server(self._agent.servers)
        if server is None or not self._enabled or self._agent.context_key is None:
            return None
        entry = server.server.entry
        allowed = entry.allowed_tools is None or set(tools) <= set(entry.allowed_tools)
        return server if allowed and (internal or not entry.internal_only) else None

    def _client(self, server: Connection, caller: Caller, trace: str, timeout_s: float) -> MemoryClient:
        return MemoryClient(
            server, caller, context_key=self._agent.context_key, trace=trace, timeout_s=timeout_s
        )

    def _conversation(self, written: IncomingMessage) -> str:
        """The thread's permalink names the conversation, so that a recalled turn links to it."""
        return self._identity.permalink(written.channel, written.thread_ts)


async def _call_quietly(client: MemoryClient, tool: str, arguments: Json) -> tuple[Json, ToolCall]:
    """(values of a reading tool, empty on failure; the call for the trace)."""
    started = time.perf_counter()
    state: Literal["ok", "error", "failed"] = "ok"
    values: Json = {}
    problem = ""
    try:
        answer = await client.call(tool, arguments, repeat=False)
        if answer.is_error:
            state, problem = "error", answer.problem
        else:
            values = answer.values
    except RookeryError as error:
        state, problem = "failed", str(error)[:300]
    if problem:
        logger.info("memory server: nothing recalled: %s", problem)
    call = ToolCall(
        server=client.name,
        tool=tool,
        arguments=arguments,
        state=state,
        duration_ms=(time.perf_counter() - started) * 1e3,
        summary=problem,
    )
    return values, call


def _turn(identity: str, speaker: str, content: str, said_at: datetime) -> Json:
    return {
        "id": identity,
        "speaker": speaker[:200],
        "content": content[:MAX_TURN_CHARS],
        "said_at": said_at.isoformat(),
    }


def _owner(written: IncomingMessage) -> str:
    return f"slack-memory:{written.key}"


def _saved_effect(written: IncomingMessage, name: str) -> Effect:
    return Effect(_owner(written), name, "intended", None, None)


# -- recalled memories as text for the model ------------------------------------------------------------


def memory_section(
    server: str,
    memories: Sequence[Mapping[str, Any]],
    turns: Sequence[Mapping[str, Any]],
    *,
    current: str = "",
) -> ContextSection | None:
    """Memories and turns as one fenced section with their sources; None when there are none.

    current: the conversation of the question, whose turns the model gets from the thread.
    """
    facts = [{**memory, "content": unfenced(str(memory["content"]))} for memory in memories]
    earlier = [_turn_item(turn) for turn in turns if turn["conversation"] != current]
    if not facts and not earlier:
        return None
    heading = ["Said in earlier conversations here:"] if earlier else []
    return ContextSection(
        title="What you remember of earlier conversations (it may have changed since)",
        text="\n".join([*map(_item_line, facts), *heading, *map(_item_line, earlier)]),
        author="memory",
        kind="memory",
        priority=3,
        sources=(*sources(facts, server, "recall"), *sources(earlier, server, "recall_conversation")),
    )


def _turn_item(turn: Mapping[str, Any]) -> Json:
    """A turn as a citable item: its conversation is named by the thread's permalink."""
    return {
        "content": f"{turn['speaker']}: {unfenced(str(turn['content']))}",
        "link": turn["conversation"],
        "valid_from": turn.get("said_at"),
    }


def _item_line(item: Json) -> str:
    day, link = str(item.get("valid_from") or "")[:10], link_of(item)
    return " ".join(filter(None, (day and f"[{day}]", str(item["content"]), link and f"({link})")))
