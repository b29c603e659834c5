"""What the bot remembers of a room: recalled with a question, added to after its answer.

What is said in a room is remembered for that room (the memory server's scope `channel`), in direct messages too, and is
recalled by itself only where it was said. In a direct message, which nobody else reads, all that is the asker's is
recalled beside it. Both are done as the asker, signed, so that the server's own rules hold as well.

What is to be remembered is kept in the ledger before the answer's last word is shown, and given to the memory server
through the queue once it is: a bot that dies in between forgets nothing, and no answer waits for its memory.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from rookery.agent.question import ContextSection
from rookery.mcp.memory_client import MemoryClient, find_memory_server
from rookery.slack.answers.recollection import section
from rookery.traces.records import ToolCall
from rookery_core.errors import NotAllowed, RookeryError, Unavailable
from rookery_core.identity import Caller
from rookery_core.queue import Effect, PermanentFailure, RetryLater
from rookery_core.telemetry import get_logger, new_trace_id

if TYPE_CHECKING:
    from rookery.agent import Agent
    from rookery.agent.question import Answer, Question
    from rookery.slack.actions import Actions
    from rookery.slack.answers.questions import QuestionStore
    from rookery.slack.event_types import IncomingMessage
    from rookery.slack.people.directory import Identity, Room
    from rookery_core.mcp.connection import Connection
    from rookery_core.queue.effects import Effects

Json = dict[str, Any]
RECALL_PATIENCE_S = 2.0
"""An answer waits no longer for what is remembered."""
STORE_PATIENCE_S, STORE_PAUSE_S = 30.0, 60.0
MAX_QUERY_CHARS, MAX_TURN_CHARS = 2_000, 100_000
FACTS = {"limit": 8, "max_tokens": 800}
TURNS = {"limit": 6, "max_tokens": 1_200}
logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RecalledContext:
    """What was recalled for a question, and the calls by which it was."""

    sections: tuple[ContextSection, ...] = ()
    calls: tuple[ToolCall, ...] = ()


class ConversationMemory:
    """The memory of the rooms that the bot answers in. Where there is no memory server, or it is not enabled, none."""

    def __init__(
        self,
        agent: Agent,
        effects: Effects,
        actions: Actions,
        questions: QuestionStore,
        own: Identity,
        *,
        enabled: bool,
    ) -> None:
        self._agent = agent
        self._effects = effects
        self._actions = actions
        self._questions = questions
        self._own = own
        self._enabled = enabled

    # -- before the answer ------------------------------------------------------------------------------

    async def recall(
        self,
        written: IncomingMessage,
        text: str,
        caller: Caller,
        room: Room,
        trace_id: str,
        *,
        internal: bool,
    ) -> RecalledContext:
        """What is remembered and may matter for a question; nothing when the server is late or cannot say."""
        server = self._server("recall", "recall_conversation", internal=internal)
        # An extractive model reads the results of its own calls only.
        if server is None or not text or self._agent.model.extractive:
            return RecalledContext()
        client = self._client(server, caller, trace_id, RECALL_PATIENCE_S)
        scopes = [] if room.is_direct else ["channel"]
        query = text[:MAX_QUERY_CHARS]
        (facts, asked), (turns, searched) = await asyncio.gather(
            _ask(client, "recall", {"query": query, "scopes": scopes, **FACTS}),
            _ask(client, "recall_conversation", {"question": query, "scopes": scopes, **TURNS}),
        )
        found = section(
            server.name,
            facts.get("memories", ()),
            turns.get("turns", ()),
            besides=self._conversation(written),
        )
        return RecalledContext((found,) if found else (), (asked, searched))

    # -- after it ---------------------------------------------------------------------------------------

    async def keep(self, written: IncomingMessage, asked: Question, asker: str, answer: Answer) -> None:
        """Write down what is to be remembered, before the answer's last word is shown.

        What an attempt before this one kept of the same question is forgotten. asker: their name.
        """
        if answer.stop_reason == "declined" or not self._server("add_turns", internal=asked.internal):
            return
        digest = hashlib.sha256(asked.text.encode(errors="replace")).hexdigest()[:12]
        said_at = datetime.fromtimestamp(float(written.ts), UTC)
        turns = [
            _turn(f"{written.ts}:{digest}", asker, asked.text, said_at),
            _turn(f"{written.ts}:{digest}:answer", self._agent.name, answer.markdown, datetime.now(UTC)),
        ]
        await self._effects.withdraw(self._kept(written, digest))
        await self._effects.intend(
            _owner(written),
            digest,
            {
                "kind": asked.caller.kind,
                "room": asked.caller.room,
                "trace_id": asked.trace_id,
                "turns": turns,
            },
        )

    async def plan(self, written: IncomingMessage) -> None:
        """Have what is kept given to the memory server, now that the answer is whole."""
        if find_memory_server(self._agent.servers) is None:
            return
        for row in await self._effects.of(_owner(written)):
            key = f"{written.key}:{row['name']}"
            await self._actions.publish("remember", key, written, priority=-2, kept=row["name"])

    async def store(self, written: IncomingMessage, kept: str) -> None:
        """Give the memory server what is kept under this name, and forget it. Raises what the queue should know.

        A question that was deleted meanwhile is not remembered.
        """
        rows = [row for row in await self._effects.of(_owner(written)) if row["name"] == kept]
        server = find_memory_server(self._agent.servers)
        deleted, _ = await self._questions.changed(written)
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
        await self._effects.withdraw(self._kept(written, kept))
        if problem:
            raise PermanentFailure(f"What was said is not remembered: {problem}")

    async def _add(self, server: Connection, written: IncomingMessage, kept: Json) -> str:
        """Add the turns. What the server has against them; empty when nothing."""
        caller = Caller(
            team=self._agent.settings.team,
            user=written.user,
            kind=kept["kind"],
            channel=written.channel,
            room=kept.get("room"),
        )
        client = self._client(server, caller, kept["trace_id"] or new_trace_id(), STORE_PATIENCE_S)
        given = {"conversation": self._conversation(written), "turns": kept["turns"], "scope": "channel"}
        # A worker that waited here for a server that is down would answer nobody meanwhile.
        answer = await client.call("add_turns", given, repeat=False)
        return answer.problem

    # -- whom to ask ------------------------------------------------------------------------------------

    def _server(self, *tools: str, internal: bool) -> Connection | None:
        """The memory server, when it may take part in this question with these tools."""
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
        """A thread's address is its name in memory, so that whoever finds something of it can go there."""
        return self._own.permalink(written.channel, written.thread_ts)

    def _kept(self, written: IncomingMessage, name: str) -> Effect:
        return Effect(_owner(written), name, "intended", None, None)


async def _ask(client: MemoryClient, tool: str, arguments: Json) -> tuple[Json, ToolCall]:
    """What a reading tool answers, empty when it does not, and the call for the trace."""
    started = time.perf_counter()
    state: Literal["ok", "error", "failed"] = "ok"
    found: Json = {}
    problem = ""
    try:
        answer = await client.call(tool, arguments, repeat=False)
        if answer.is_error:
            state, problem = "error", answer.problem
        else:
            found = answer.values
    except RookeryError as error:
        state, problem = "failed", str(error)[:300]
    if problem:
        logger.info("nothing is recalled: %s", problem)
    call = ToolCall(
        server=client.name,
        tool=tool,
        arguments=arguments,
        state=state,
        duration_ms=(time.perf_counter() - started) * 1e3,
        summary=problem,
    )
    return found, call


def _turn(identity: str, speaker: str, content: str, said_at: datetime) -> Json:
    return {
        "id": identity,
        "speaker": speaker[:200],
        "content": content[:MAX_TURN_CHARS],
        "said_at": said_at.isoformat(),
    }


def _owner(written: IncomingMessage) -> str:
    return f"slack-memory:{written.key}"
