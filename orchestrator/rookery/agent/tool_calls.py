"""The tool calls of one run: judged, made in parallel, bounded in time and size, fenced."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rookery.agent.links import LinkAllowlist
from rookery.agent.local_tools import LocalTool, as_text
from rookery.agent.scratch import DESCRIPTION, PARAMETERS, READ_MORE, Scratch
from rookery.agent.tool_policy import ToolPolicy
from rookery.models.protocol import ToolDefinition, ToolResult, ToolUse
from rookery.traces.records import PendingAction, ToolCall
from rookery_core.errors import RookeryError
from rookery_core.identity import Caller
from rookery_core.mcp.request_meta import request_meta
from rookery_core.mcp.results import ToolAnswer, read_result
from rookery_core.mcp.server_group import OfferedTool
from rookery_core.mcp.sources import sources
from rookery_core.spans import span
from rookery_core.telemetry import get_logger
from rookery_core.text import encodable, estimate_tokens, fence

logger = get_logger(__name__)
LOCAL = "rookery"
STARTING_PATIENCE_S = 30.0
Confirm = Callable[[PendingAction], Awaitable[bool]]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLimits:
    """timeout_s and output_tokens hold for tools that mcp.json says nothing else of."""

    timeout_s: float
    output_tokens: int
    parallel: int


@dataclass(slots=True, kw_only=True)
class ToolRunner:
    """Makes the calls of one run for one caller.

    context_key signs the caller for servers that have an audience. confirm asks the person at once (a terminal);
    without it a call that needs a yes is left pending.
    """

    offered: Mapping[str, OfferedTool]
    local: Mapping[str, LocalTool]
    limits: CallLimits
    policy: ToolPolicy
    allowlist: LinkAllowlist
    caller: Caller
    trace_id: str
    nonce: str
    context_key: str | None = None
    confirm: Confirm | None = None
    on_tool: Callable[[str], Awaitable[None]] | None = None
    on_result: Callable[[ToolCall], Awaitable[None]] | None = None
    scratch: Scratch = field(default_factory=Scratch)
    calls: list[ToolCall] = field(default_factory=list[ToolCall])

    def specs(self) -> list[ToolDefinition]:
        """What the model is offered, in a stable order so that providers can cache it."""
        specs = [
            ToolDefinition(name, offered.tool.description or offered.tool.title or name, offered.parameters)
            for name, offered in self.offered.items()
        ]
        specs += [
            ToolDefinition(tool.name, tool.description, tool.parameters) for tool in self.local.values()
        ]
        read_more = ToolDefinition(READ_MORE, DESCRIPTION, PARAMETERS)
        return specs if READ_MORE in self.offered else [*specs, read_more]

    async def run(self, uses: Sequence[ToolUse]) -> list[ToolResult]:
        """The results in the order of the uses. An error is a result; only cancellation raises."""
        gate = asyncio.Semaphore(self.limits.parallel)
        # What has been read is judged before the calls of this turn start, not while they run.
        return list(await asyncio.gather(*(self._one(use, gate) for use in uses)))

    async def _one(self, use: ToolUse, gate: asyncio.Semaphore) -> ToolResult:
        async with gate:
            started = time.perf_counter()
            server, tool = self._names(use.name)
            try:
                answer, state = await self._answer(use)
            except RookeryError as error:
                answer, state = self._failed(use, error), "failed"
            except Exception as error:
                logger.exception("%s failed", use.name)
                answer, state = ToolAnswer(f"Tool call failed: {type(error).__name__}.", None, True), "failed"
            call = ToolCall(
                server=server,
                tool=tool,
                arguments=dict(use.arguments),
                state=state,  # pyright: ignore[reportArgumentType] one of the literals by construction
                duration_ms=(time.perf_counter() - started) * 1e3,
                result_tokens=estimate_tokens(answer.text),
                summary=answer.problem,
            )
            self.calls.append(call)
            if self.on_result:
                await self.on_result(call)
            text = encodable(answer.text)
            return ToolResult(use.id, use.name, text, answer.is_error, answer.structured)

    def _failed(self, use: ToolUse, error: RookeryError) -> ToolAnswer:
        """What went wrong, as the model reads it; a server's words are foreign also where it only refuses."""
        text = f"Tool call failed: {error}"
        local = self.local.get(use.name)
        if use.name not in self.offered and not (local and local.foreign):
            return ToolAnswer(text, None, True)
        self.policy.tainted = True
        return ToolAnswer(self._fenced(text, *self._names(use.name)), None, True)

    def _names(self, name: str) -> tuple[str, str]:
        offered = self.offered.get(name)
        return (offered.server.name, offered.tool.name) if offered else (LOCAL, name)

    async def _answer(self, use: ToolUse) -> tuple[ToolAnswer, str]:
        if use.problem:
            return ToolAnswer(f"The arguments cannot be read: {use.problem}. Call again with a JSON object.", None, True), "refused"  # fmt: skip
        if use.name == READ_MORE and use.name not in self.offered:
            page = self.scratch.read(use.arguments, self.limits.output_tokens)
            return ToolAnswer(self._fenced(page, LOCAL, READ_MORE), None, False), "ok"
        offered, local = self.offered.get(use.name), self.local.get(use.name)
        if offered is None and local is None:
            near = [
                name
                for name in (*self.offered, *self.local)
                if name.endswith(use.name) or use.name.endswith(name)
            ]
            return ToolAnswer(f"There is no tool {use.name!r}. {_did_you_mean(near)}", None, True), "refused"
        refusal = await self._refusal(use, offered, local)
        if refusal:
            return refusal
        if self.on_tool:
            await self.on_tool(use.name)
        if local is not None:
            return await self._local(local, use)
        assert offered is not None
        return await self._remote(offered, use)

    async def _refusal(
        self, use: ToolUse, offered: OfferedTool | None, local: LocalTool | None
    ) -> tuple[ToolAnswer, str] | None:
        read_only = offered.read_only if offered else bool(local and local.read_only)
        confirm = offered.settings.confirm if offered and offered.settings else None
        server, tool = self._names(use.name)
        verdict = self.policy.judge(
            use.name,
            read_only=read_only,
            confirm=confirm,
            arguments=use.arguments,
            server=_reached(server, use.arguments) if local else server,
        )
        if verdict.allowed:
            return None
        user = self.caller.user
        action = self.policy.ask(server, tool, use.arguments, verdict.reason, self.trace_id, user)
        if self.confirm and await self.confirm(action):
            self.policy.pending.remove(action)
            return None
        text = (
            f"Not done: {verdict.reason}. The person who asks has to confirm it first and is shown the call. "
            "Do not try it another way; say what you would do and why, and answer what else was asked."
        )
        return ToolAnswer(text, None, True), "pending"

    async def _remote(self, offered: OfferedTool, use: ToolUse) -> tuple[ToolAnswer, str]:
        entry, settings = offered.server.entry, offered.settings
        answer = await self._called(offered, use.arguments)
        self.policy.tainted = True
        self.policy.internal_read = self.policy.internal_read or offered.server.own
        if not answer.is_error:
            items = sources(answer.structured, offered.server.name, offered.tool.name)
            self.allowlist.add_items(items, own=offered.server.own)
        self.allowlist.add_text(answer.text)
        limit = (settings and settings.output_tokens) or entry.output_tokens or self.limits.output_tokens
        text = self.scratch.shorten(answer.text, limit)
        fenced = self._fenced(text, offered.server.name, offered.tool.name)
        return ToolAnswer(fenced, answer.structured, answer.is_error), "error" if answer.is_error else "ok"

    async def _called(self, offered: OfferedTool, arguments: Mapping[str, Any]) -> ToolAnswer:
        """The tool's answer. A server that is only starting is asked again when it says that it will be ready."""
        entry, settings = offered.server.entry, offered.settings
        patience = asyncio.get_running_loop().time() + STARTING_PATIENCE_S
        while True:
            result = await offered.connection.call(
                offered.tool.name,
                arguments,
                timeout_s=(settings and settings.timeout_s) or entry.timeout_s or self.limits.timeout_s,
                meta=self.meta(entry.audience),
                repeat=offered.repeatable,
            )
            answer = read_result(result)
            pause = _starting(answer)
            if pause is None or asyncio.get_running_loop().time() + pause > patience:
                return answer
            await asyncio.sleep(pause)

    async def _local(self, tool: LocalTool, use: ToolUse) -> tuple[ToolAnswer, str]:
        try:
            with span(f"tool {tool.name}"):
                async with asyncio.timeout(tool.timeout_s):
                    value = await tool.run(use.arguments)
        except TimeoutError:
            return ToolAnswer(
                f"{tool.name} did not answer within {tool.timeout_s:g} s.", None, True
            ), "failed"
        text = as_text(value)
        if tool.foreign:
            self.policy.tainted = True
            reached = _reached(LOCAL, use.arguments)
            self.policy.internal_read |= tool.internal_only or reached not in {LOCAL, *self.policy.foreign}
            self.allowlist.add_items(sources(value, LOCAL, tool.name))
            self.allowlist.add_text(text)
        text = self.scratch.shorten(text, self.limits.output_tokens)
        shown = self._fenced(text, LOCAL, tool.name) if tool.foreign else text
        return ToolAnswer(shown, value if isinstance(value, dict | list) else None, False), "ok"

    def meta(self, audience: str | None) -> dict[str, Any]:
        """The `_meta` of a call: the trace id and, for a server that checks it, the signed asker."""
        return request_meta(self.trace_id, self.caller, key=self.context_key, audience=audience)

    def _fenced(self, text: str, server: str, tool: str) -> str:
        """A result between fences. The nonce can only be in it when the model was made to pass it on."""
        text = text.replace(self.nonce, "…")
        return fence(text, author=f"{server} {tool}", kind="tool result", nonce=self.nonce)


def _reached(server: str, arguments: Mapping[str, Any]) -> str:
    """The server that one of our tools reaches: those for resources and prompts take it as an argument."""
    named = arguments.get("server")
    return named if isinstance(named, str) else server


def _starting(answer: ToolAnswer) -> float | None:
    """Seconds after which to ask again, when the answer says that the database is only starting."""
    if not answer.is_error or answer.values.get("code") != "database_starting":
        return None
    pause = answer.values.get("retry_after_s")
    return min(float(pause), 5.0) if isinstance(pause, int | float) else 1.0


def _did_you_mean(names: Sequence[str]) -> str:
    return f"Did you mean {', '.join(names[:3])}?" if names else "Use one of the tools that are offered."
