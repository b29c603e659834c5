"""The agent: answers questions with servers, a model and prompts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rookery.agent import subagent
from rookery.agent.context_window import fit_history, fit_sections, prompt_room
from rookery.agent.limits import RunLimits
from rookery.agent.links import LinkAllowlist, check
from rookery.agent.local_tools import LocalTool
from rookery.agent.prompts import Prompts
from rookery.agent.question import Answer, ContextSection, Question
from rookery.agent.resources import resource_tools
from rookery.agent.run import Prompt, Run
from rookery.agent.tool_calls import CallLimits, Confirm, ToolRunner
from rookery.agent.tool_policy import ToolPolicy
from rookery.models.protocol import Block, Media, Model, Text, ToolUse
from rookery.traces.records import PendingAction, ToolCall
from rookery_core.errors import Conflict
from rookery_core.mcp.pins import Pins
from rookery_core.telemetry import get_logger, new_trace_id, tracing
from rookery_core.text import encodable, estimate_tokens, explain_fence, fence, new_nonce

if TYPE_CHECKING:
    from rookery.agent.recorder import Recorder
    from rookery.models.pricing import Price
    from rookery.settings import AgentSettings
    from rookery_core.mcp.connection import Connection
    from rookery_core.mcp.server_group import OfferedTool, ServerGroup

logger = get_logger(__name__)
Say = Callable[[str], Awaitable[None]]


class Agent:
    """Answers questions. One agent serves many questions at once; a run shares nothing with another.

    Subclasses override the hooks (`prompt_values`, `sections`, `choose_tools`, `choose_model`, `finished`);
    `add_tool` registers a tool written in Python.
    """

    name = "Rookery"

    def __init__(
        self,
        settings: AgentSettings,
        servers: ServerGroup,
        model: Model,
        *,
        prompts: Prompts | None = None,
        prices: Mapping[str, Price] | None = None,
        context_key: str | None = None,
        recorder: Recorder | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now().astimezone(),
    ) -> None:
        self.settings = settings
        self.servers = servers
        self.model = model
        self.prompts = prompts or Prompts([settings.prompts_dir] if settings.prompts_dir else [])
        self.prices = dict(prices or {})
        self.context_key = context_key
        self.recorder = recorder
        self._clock = clock
        self._tools: dict[str, LocalTool] = {}
        self._pins = Pins(settings.tool_pins, recorder.store if recorder else None)

    # Hooks -------------------------------------------------------------------------------------------------

    async def prompt_values(self, question: Question) -> Mapping[str, Any]:
        """What templates see besides the standard values."""
        return {}

    async def sections(self, question: Question) -> Sequence[ContextSection]:
        """The context that goes to the model with this question."""
        return question.sections

    async def choose_tools(
        self, question: Question, tools: Mapping[str, OfferedTool]
    ) -> Mapping[str, OfferedTool]:
        """Which of the servers' tools take part in this run."""
        return tools

    async def choose_model(self, question: Question) -> Model:
        """The model for this run."""
        return self.model

    async def finished(self, question: Question, answer: Answer, run: Run) -> Answer:
        """Called with every answer before it is given; returns the one to give."""
        return answer

    # Use ---------------------------------------------------------------------------------------------------

    def add_tool(self, tool: LocalTool) -> None:
        """Offer a Python function as a tool in every run. Raises Conflict when the name is taken."""
        if tool.name in self._tools:
            raise Conflict(f"There is a tool {tool.name!r} already.")
        self._tools[tool.name] = tool

    async def answer(
        self,
        question: Question,
        *,
        on_text: Say | None = None,
        on_tool: Say | None = None,
        on_restart: Callable[[], Awaitable[None]] | None = None,
        confirm: Confirm | None = None,
        deadline_s: float | None = None,
    ) -> Answer:
        """Answer a question.

        on_text hears the answer in pieces whose links were checked; on_tool the name of each tool before it is
        called; on_restart says that what on_text heard so far is void (the model looked further, or its answer broke
        off and begins again). The returned answer replaces what was streamed. confirm asks the asker for a yes to a
        writing call at once; without it such calls are returned in `Answer.pending`.
        deadline_s: seconds for the whole run (default: answer_timeout_s of the settings).
        Raises ModelError when no model answers, RateLimited when the asker has used up a limit. Cancelling the
        task stops model and tools.
        """
        with tracing(question.trace_id or new_trace_id()) as trace:
            if self.recorder:
                await self.recorder.check_day(question)
            run = await self._run(question, trace, confirm, on_tool)
            run.on_text, run.on_restart = on_text, on_restart
            run.deadline_s = deadline_s or self.settings.answer_timeout_s
            return await self._recorded(question, run)

    async def _recorded(self, question: Question, run: Run) -> Answer:
        """Run, and write down what came of it."""
        recorder = self.recorder
        if recorder is None:
            return await self.finished(question, await run.answer(), run)
        begun = asyncio.create_task(recorder.begin(question, run.trace_id))
        try:
            answer = await self.finished(question, await run.answer(), run)
        except BaseException as error:
            if attempt := await begun:
                await recorder.fail(
                    run.trace_id,
                    str(error) or type(error).__name__,
                    attempt,
                    usage=run.spent,
                    cost_usd=run.limits.cost(run.model_calls),
                    model_calls=run.model_calls,
                    tool_calls=run.tools.calls,
                )
            raise
        if attempt := await begun:
            await recorder.finish(answer, run.model_calls, attempt)
        return answer

    async def run_confirmed(self, action: PendingAction, question: Question) -> ToolCall:
        """Make exactly the call that its asker has confirmed. question: who asks (`caller`) and its tools."""
        with tracing(action.trace_id):
            run = await self._run(question, action.trace_id, _yes, None)
            runner = run.tools
            name = next(
                (
                    name
                    for name, each in runner.offered.items()
                    if (each.server.name, each.tool.name) == (action.server, action.tool)
                ),
                action.tool,
            )
            await runner.run([ToolUse(action.id, name, action.arguments)])
            return runner.calls[-1]

    async def _run(self, question: Question, trace: str, confirm: Confirm | None, on_tool: Say | None) -> Run:
        nonce = new_nonce()
        allowlist = LinkAllowlist(hosts=frozenset(self.settings.link_hosts))
        allowlist.add_trusted(question.text)
        model = await self.choose_model(question)
        tools = await self.choose_tools(question, await self._usable_tools(question))
        policy = ToolPolicy(
            allowlist,
            frozenset(self.settings.unconfirmed_tools),
            # Earlier answers were made of what others wrote; a changed description may have been written for this.
            tainted=bool(question.history or self._pins.suspicions),
            foreign=frozenset(each.server.name for each in tools.values() if not each.server.own),
            internal_read=bool(question.history) and any(each.server.own for each in tools.values()),
        )
        runner = self._runner(question, tools, policy, allowlist, trace, nonce, confirm, on_tool)
        run = Run(
            question=question,
            prompt=await self._prompt(question, model, runner),
            model=model,
            tools=runner,
            allowlist=allowlist,
            limits=RunLimits.of(self.settings, self.prices),
            trace_id=trace,
            thinking=self.settings.thinking,
            max_output_tokens=self.settings.max_output_tokens,
            warnings=(
                *(_not_available(down) for down in self.servers.down()),
                *self._pins.suspicions,
            ),
        )
        if self.settings.subagents and subagent.NAME not in {*run.tools.offered, *run.tools.local}:
            own = subagent.subagent(run, self.prompts.part)
            run.tools.local = {**run.tools.local, own.name: own}
        return run

    async def _usable_tools(self, question: Question) -> Mapping[str, OfferedTool]:
        """The servers' tools without those that outsiders may not use, or that are not what they were."""
        every = self.servers.tools()
        refused = await self._pins.refused(every)
        tools = self.servers.tools(internal=question.internal)
        return {name: tool for name, tool in tools.items() if name not in refused} if refused else tools

    def _runner(
        self,
        question: Question,
        offered: Mapping[str, OfferedTool],
        policy: ToolPolicy,
        allowlist: LinkAllowlist,
        trace: str,
        nonce: str,
        confirm: Confirm | None,
        on_tool: Say | None,
    ) -> ToolRunner:
        extra = resource_tools(self.servers, internal=question.internal)
        local = {tool.name: tool for tool in (*extra, *self._tools.values(), *question.tools)}
        return ToolRunner(
            offered=offered,
            local={
                name: tool
                for name, tool in local.items()
                if name not in offered and (question.internal or not tool.internal_only)
            },
            limits=CallLimits(
                timeout_s=self.settings.tool_timeout_s,
                output_tokens=self.settings.tool_output_tokens,
                parallel=self.settings.parallel_tools,
            ),
            policy=policy,
            allowlist=allowlist,
            caller=question.caller,
            trace_id=trace,
            nonce=nonce,
            context_key=self.context_key,
            confirm=confirm,
            on_tool=on_tool,
            calls=list(question.gathered),
        )

    async def _prompt(self, question: Question, model: Model, runner: ToolRunner) -> Prompt:
        policy, allowlist, nonce = runner.policy, runner.allowlist, runner.nonce
        budget = prompt_room(model.context_tokens, self.settings.max_output_tokens, runner.specs())
        budget = max(0, budget - estimate_tokens(question.text))
        sections = fit_sections(await self.sections(question), budget * 2 // 3)
        for section in sections:
            if not section.trusted:
                policy.tainted = policy.internal_read = True
                allowlist.add_text(section.text)
                allowlist.add_items(section.sources)
        values = await self._values(question, nonce)
        values["sections"] = [_fenced(section, nonce) for section in sections]
        values["history"] = fit_history(question.history, budget // 3)
        blocks: list[Block] = [Media(file.name, file.media_type, file.data) for file in question.attachments]
        policy.tainted = policy.tainted or bool(blocks)
        policy.internal_read = policy.internal_read or bool(blocks)
        blocks.append(Text(encodable(self.prompts.user(values))))
        return Prompt(system=encodable(self.prompts.system(values)), first=tuple(blocks))

    async def _values(self, question: Question, nonce: str) -> dict[str, Any]:
        now = self._clock()
        return {
            "bot": {"name": self.name},
            "caller": question.caller,
            "question": question.text,
            "local_time": f"{now:%A, %d %B %Y, %H:%M}",
            "time_zone": now.tzname() or "UTC",
            "fence_explained": explain_fence(nonce),
            "user": None,
            "channel": None,
            **question.values,
            **await self.prompt_values(question),
        }


def _fenced(section: ContextSection, nonce: str) -> dict[str, str]:
    text = section.text
    if not section.trusted:
        text = fence(text, author=section.author, kind=section.kind, nonce=nonce)
    return {"title": " ".join(section.title.split())[:200], "text": text}


def _not_available(server: Connection) -> str:
    """For the reader. What a foreign server last said is no more than text."""
    return check(f"{server.name} is not available: {server.problem}", LinkAllowlist()).markdown


async def _yes(_: PendingAction) -> bool:
    return True
