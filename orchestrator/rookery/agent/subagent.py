"""A tool by which the model hands a part of a question to a separate run.

The part starts with an empty window, so that reading much for one detail does not crowd out the rest, and comes back as a
report. It asks for the same person with the same tools, is judged by the same policy, and what it costs counts for
the whole question. A part has no parts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from rookery.agent.local_tools import LocalTool, required
from rookery.agent.question import Question
from rookery.agent.run import Prompt, Run
from rookery.agent.scratch import Scratch
from rookery.models.protocol import Text
from rookery_core.errors import InvalidInput, RateLimited

NAME = "subagent"
MOST_PARTS = 8
"""Of one question."""
_REQUESTS = {"low": 3, "medium": 6, "high": 12}
_DEADLINES_S = {"low": 60.0, "medium": 120.0, "high": 240.0}
_REPORT_TOKENS = 2048
_DESCRIPTION = (
    "Hand a self-contained part of the question to an assistant that has the same tools and an empty memory, and get its "
    "report with links. Use it when a part needs many searches or much reading, such as comparing several threads, or "
    "one assistant for each of several things; several at once run side by side. Not for what one or two searches answer."
)


def subagent(run: Run, first: Callable[[str], str]) -> LocalTool:
    """The tool for one run. first: the message by which a part begins, from its task."""
    begun = 0

    async def ask(arguments: Mapping[str, Any]) -> str:
        nonlocal begun
        task, complexity = required(arguments, "task"), str(arguments.get("complexity") or "medium")
        if complexity not in _REQUESTS:
            raise InvalidInput(f"complexity {complexity!r} is none.", candidates=list(_REQUESTS))
        if begun >= MOST_PARTS:
            raise RateLimited(
                f"This question has had its {MOST_PARTS} parts.", hint="Answer with what you have."
            )
        begun += 1
        report = await part_of(run, task, first(task), complexity).answer()
        return report.markdown

    return LocalTool(
        name=NAME,
        description=_DESCRIPTION,
        parameters={
            "type": "object",
            "properties": {
                "task": {
                    "type": "string",
                    "description": "What to find out, with every name, link and date it needs: nothing else is known to it.",
                },
                "complexity": {
                    "type": "string",
                    "enum": list(_REQUESTS),
                    "description": "How far to look: low is a search or two; default medium.",
                },
            },
            "required": ["task"],
            "additionalProperties": False,
        },
        run=ask,
        internal_only=False,  # its tools are those of the run, which may be an outsider's
        timeout_s=max(_DEADLINES_S.values()) + 5,
    )


def part_of(run: Run, task: str, first: str, complexity: str) -> Run:
    """A run for one part: its own window, requests and scratch; the whole question's caller, policy, links and costs."""
    local = {name: tool for name, tool in run.tools.local.items() if name != NAME}
    return Run(
        question=Question(text=task, caller=run.question.caller, internal=run.question.internal),
        prompt=Prompt(system=run.prompt.system, first=(Text(first),)),
        model=run.model,
        tools=replace(run.tools, local=local, scratch=Scratch()),
        allowlist=run.allowlist,
        limits=replace(run.limits, max_requests=min(_REQUESTS[complexity], run.limits.max_requests)),
        trace_id=run.trace_id,
        thinking=run.thinking,
        max_output_tokens=min(run.max_output_tokens, _REPORT_TOKENS),
        deadline_s=_DEADLINES_S[complexity],
        spent=run.spent,
        model_calls=run.model_calls,
    )
