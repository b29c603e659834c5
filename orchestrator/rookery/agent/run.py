"""One question from prompt to checked answer: the loop of model and tools."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from rookery.agent.context_window import TOOLS_SHARE, answer_tokens, fit_messages, fit_tools, room
from rookery.agent.limits import LimitReached, RunLimits
from rookery.agent.links import LinkAllowlist, check
from rookery.agent.question import Answer, Citation, Question, StopReason, Timings
from rookery.agent.streaming import CheckedStream
from rookery.agent.tool_calls import ToolRunner
from rookery.models.protocol import (
    Block,
    ChatMessage,
    ContextTooLong,
    Listener,
    Model,
    ModelReply,
    ModelRequest,
    Text,
)
from rookery.models.sizes import thinking_tokens, tools_tokens
from rookery.traces.records import ModelCall
from rookery.usage import Usage
from rookery_core.spans import span
from rookery_core.telemetry import get_logger
from rookery_core.text import estimate_tokens

logger = get_logger(__name__)
Say = Callable[[str], Awaitable[None]]
_SHARES = (1.0, 0.6, 0.35, 0.2)
"""Of the model's window: what is tried until the model takes it."""
_NO_WORDS = {"declined": "The model declined to answer this question."}
_ANSWER_NOW = (
    "[No more tool calls are possible in this run. Answer now, with what you have, and say what is missing.]"
)

_FILES_UNREAD = "The files were not looked at: that takes a language model."


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """The rendered beginning of a run."""

    system: str
    first: tuple[Block, ...]


@dataclass(slots=True, kw_only=True)
class Run:
    """The state of one question, or of a part of one. `answer()` is called once.

    spent: what the whole question has used, with all its parts; limits on tokens and money hold for that, the limit
    on requests for this run alone.
    """

    question: Question
    prompt: Prompt
    model: Model
    tools: ToolRunner
    allowlist: LinkAllowlist
    limits: RunLimits
    trace_id: str
    thinking: str = "off"
    max_output_tokens: int = 8192
    deadline_s: float | None = None
    on_text: Say | None = None
    on_restart: Callable[[], Awaitable[None]] | None = None
    warnings: tuple[str, ...] = ()
    spent: Usage = field(default_factory=Usage)
    model_calls: list[ModelCall] = field(default_factory=list[ModelCall])
    _requests: int = 0
    _model_ms: float = 0.0
    _tools_ms: float = 0.0
    _started: float = field(default_factory=time.perf_counter)

    async def answer(self) -> Answer:
        """Run until the model answers, a limit is reached or time is up. Raises ModelError when no model answers."""
        stream = CheckedStream(self.allowlist, self._send)
        try:
            with span("answer"):
                async with asyncio.timeout(self.deadline_s):
                    text, reason = await self._loop(stream)
        except TimeoutError:
            text, reason = self._out_of_time(), "deadline"
        if reason == "answered" or reason == "cut":
            await stream.finish()
        return self._finished(text, reason)

    async def _loop(self, stream: CheckedStream) -> tuple[str, StopReason]:
        messages = [ChatMessage("user", self.prompt.first)]
        while True:
            try:
                self.limits.check(self.spent, self.model_calls, self._requests)
            except LimitReached as limit:
                return str(limit), "limit"
            last = self.limits.is_last(self._requests)
            reply = await self._ask(messages, stream, last=last)
            if not reply.tool_uses or last or reply.stop == "refusal":
                return reply.text, _reason(reply)
            await self._forget(stream)
            messages.append(ChatMessage("assistant", reply.blocks))
            started = time.perf_counter()
            results = await self.tools.run(reply.tool_uses)
            self._tools_ms += (time.perf_counter() - started) * 1e3
            messages.append(ChatMessage("user", tuple(results)))

    async def _ask(self, messages: Sequence[ChatMessage], stream: CheckedStream, *, last: bool) -> ModelReply:
        for share in _SHARES:
            try:
                tokens = int(self.model.context_tokens * share)
                return await self._ask_once(messages, stream, last=last, context_tokens=tokens)
            except ContextTooLong:
                # Estimates were too low for this text, or the window is smaller than anybody said.
                if share == _SHARES[-1]:
                    raise
                logger.info("the request was too long for %s; shortening it", self.model.name)
        raise AssertionError("the last share returns or raises")

    async def _ask_once(
        self, messages: Sequence[ChatMessage], stream: CheckedStream, *, last: bool, context_tokens: int
    ) -> ModelReply:
        output = answer_tokens(context_tokens, self.max_output_tokens)
        whole = room(context_tokens, output + thinking_tokens(self.thinking))
        specs = fit_tools(self.tools.specs(), int(whole * TOOLS_SHARE))
        fitted = fit_messages(messages, estimate_tokens(self.prompt.system) + tools_tokens(specs), whole)
        if last:
            fitted[-1] = ChatMessage("user", (*fitted[-1].blocks, Text(_ANSWER_NOW)))
        request = ModelRequest(
            system=self.prompt.system,
            messages=fitted,
            tools=() if last and len(messages) == 1 else specs,
            max_output_tokens=output,
            thinking=self.thinking,
            question=self.question.text,
        )
        started = time.perf_counter()
        listener = Listener(text=stream.add, tool=_nothing, restart=lambda: self._forget(stream))
        try:
            with span(f"chat {self.model.name}", messages=len(fitted), tools=len(request.tools)):
                reply = await self.model.reply(request, listener)
        finally:
            duration = (time.perf_counter() - started) * 1e3
            self._model_ms += duration
        self.spent.add(reply.usage)
        self._requests += reply.usage.requests
        self.model_calls.append(
            ModelCall(
                model=reply.model, asked=reply.asked, duration_ms=duration, usage=reply.usage, stop=reply.stop
            )
        )
        return reply

    async def _send(self, text: str) -> None:
        if self.on_text:
            await self.on_text(text)

    async def _forget(self, stream: CheckedStream) -> None:
        """What was streamed so far is not the answer: tell the reader's side, when it heard any of it."""
        if stream.restart() and self.on_restart:
            await self.on_restart()

    def _out_of_time(self) -> str:
        return (
            f"I ran out of time after {self.deadline_s:g} seconds and have no answer. "
            "A narrower question is answered faster."
        )

    def _finished(self, text: str, reason: StopReason) -> Answer:
        checked = check(text.strip() or _NO_WORDS.get(reason, "I found no answer."), self.allowlist)
        total = (time.perf_counter() - self._started) * 1e3
        extractive = bool(self.model_calls) and self.model_calls[-1].model == "extractive"
        return Answer(
            markdown=checked.markdown,
            citations=tuple(
                Citation(
                    number=number, permalink=one.permalink, title=one.title, server=one.server, tool=one.tool
                )
                for number, one in enumerate(checked.cited, 1)
            ),
            tool_calls=tuple(self.tools.calls),
            usage=self.spent,
            cost_usd=self.limits.cost(self.model_calls),
            model=self.model_calls[-1].model if self.model_calls else self.model.name,
            extractive=extractive,
            trace_id=self.trace_id,
            timings=Timings(
                total_ms=total,
                model_ms=self._model_ms,
                tools_ms=self._tools_ms,
                own_ms=max(0.0, total - self._model_ms - self._tools_ms),
            ),
            removed_links=checked.removed,
            pending=tuple(self.tools.policy.pending),
            stop_reason=reason,
            warnings=(*self.warnings, _FILES_UNREAD) if extractive and self._has_files() else self.warnings,
        )

    def _has_files(self) -> bool:
        question = self.question
        return bool(question.attachments) or any(section.kind == "file" for section in question.sections)


def _reason(reply: ModelReply) -> StopReason:
    return {"max_tokens": "cut", "refusal": "declined"}.get(reply.stop, "answered")  # type: ignore[return-value]


async def _nothing(_: str) -> None:
    return
