"""Finished answers, as JSON for programs and as text for people."""

from __future__ import annotations

import re
from dataclasses import asdict
from functools import cache
from typing import Any

from rich.console import Console
from rich.markdown import Markdown
from rich.text import Text

from rookery.agent import Answer, Question


@cache
def console() -> Console:
    """Standard output. Without a terminal it is 100 columns wide and has no colours."""
    found = Console()
    return found if found.is_terminal else Console(width=100)


def answer_as_json(question: Question, answer: Answer) -> dict[str, Any]:
    """The shape that `rookery ask --json` prints. Times in milliseconds, money in US dollars."""
    return {
        "question": question.text,
        "answer": answer.markdown,
        "extractive": answer.extractive,
        "model": answer.model,
        "stop_reason": answer.stop_reason,
        "citations": [asdict(one) for one in answer.citations],
        "tool_calls": [
            {**asdict(call), "arguments": dict(call.arguments), "duration_ms": round(call.duration_ms, 1)}
            for call in answer.tool_calls
        ],
        "pending": [{**asdict(one), "arguments": dict(one.arguments)} for one in answer.pending],
        "removed_links": answer.removed_links,
        "warnings": list(answer.warnings),
        "usage": {**asdict(answer.usage), "cost_usd": answer.cost_usd},
        "timings": {name: round(value, 1) for name, value in asdict(answer.timings).items()},
        "trace_id": answer.trace_id,
    }


def with_numbers(answer: Answer) -> str:
    """The answer as a terminal shows it best: numbers of the sources below instead of long links."""
    text = answer.markdown
    for one in answer.citations:
        link = re.compile(r"\[([^\[\]]*)\]\(" + re.escape(one.permalink) + r"\)")
        number = one.number
        text = link.sub(lambda found, number=number: f"{found.group(1)} \\[{number}]", text)
    return text


def print_answer(answer: Answer, *, total_s: float | None = None) -> None:
    """The answer, its sources, and a line on how it was made.

    total_s: how long the person waited, the start of the servers included; default: the time of the run.
    """
    out = console()
    out.print(Markdown(with_numbers(answer)))
    if answer.citations:
        out.print()
        out.print("[bold]Sources[/bold]")
        for one in answer.citations:
            out.print(Text(f" {one.number}. {one.title}"), Text(f"({one.server})", style="dim"))
            out.print(Text(f"    {one.permalink}", style="blue"), soft_wrap=True)
    for action in answer.pending:
        out.print(Text(f"Waits for your yes: {action.describe()}", style="yellow"))
    for warning in answer.warnings:
        out.print(Text(warning, style="yellow"))
    out.print(Text(_made(answer, total_s), style="dim"))


def _made(answer: Answer, total_s: float | None) -> str:
    searches = len(answer.tool_calls)
    parts = [
        answer.model,
        f"{searches} tool call{'' if searches == 1 else 's'}",
        f"{answer.timings.total_ms / 1e3 if total_s is None else total_s:.1f} s",
    ]
    if answer.usage.total:
        parts.append(f"{answer.usage.total:,} tokens")
    if answer.cost_usd:
        parts.append(f"${answer.cost_usd:.4f}")
    if answer.removed_links:
        parts.append(f"{answer.removed_links} links removed that no tool gave")
    return " · ".join([*parts, f"trace {answer.trace_id}"])
