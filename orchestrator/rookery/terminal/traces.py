"""Runs as a person reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.markdown import Markdown
from rich.table import Table
from rich.text import Text

from rookery.terminal.reports import console
from rookery_core.text import without_controls


def print_runs(runs: Sequence[Mapping[str, Any]]) -> None:
    """A line for each run, the latest first."""
    if not runs:
        console().print("No run has been recorded yet.")
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("trace", "when", "asker", "took", "cost", "question"):
        table.add_column(heading, no_wrap=heading != "question", overflow="ellipsis")
    for run in runs:
        table.add_row(
            str(run["trace_id"])[:12],
            f"{run['started_at']:%m-%d %H:%M:%S}",
            _text(run["asker"] or "-"),
            _seconds(run["total_ms"]) if not run["problem"] else "failed",
            _dollars(run["cost_usd"]),
            _text(" ".join(run["question"].split())[:80]),
        )
    console().print(table)


def print_story(found: Mapping[str, Any]) -> None:
    """One run from its event to its answer."""
    run, out = found["run"], console()
    out.print(Text.assemble(("trace ", "dim"), run["trace_id"], (f"  attempt {run['attempt']}", "dim")))
    when, asker = f"{run['started_at']:%Y-%m-%d %H:%M:%S} UTC", run["asker"] or "nobody named"
    out.print(_text(f"{when}, asked by {asker} ({run['asker_kind']})"))
    out.print(_text(f"\n{run['question']}\n", style="bold"))
    for event in found["events"]:
        out.print(
            _text("event  " + ", ".join(f"{name} {value}" for name, value in event.items()), style="dim")
        )
    _print_calls(found)
    for action in found["actions"]:
        out.print(
            _text(
                f"waits  {action['server']}: {action['tool']} — {action['state']}: {action['reason']}",
                style="yellow",
            )
        )
    if run["problem"]:
        out.print(_text(f"failed {run['problem']}", style="red"))
    if run["answer"]:
        out.print()
        out.print(Markdown(run["answer"]))
    out.print(Text(_sum(run), style="dim"))


def _print_calls(found: Mapping[str, Any]) -> None:
    table = Table(box=None, pad_edge=False)
    for heading in ("", "what", "state", "took", "tokens"):
        table.add_column(heading, justify="right" if heading in ("took", "tokens") else "left")
    for call in found["model_calls"]:
        tokens = f"{call['input_tokens'] + call['cache_read_tokens'] + call['cache_write_tokens']:,} + {call['output_tokens']:,}"
        table.add_row("model", _text(call["model"]), call["stop"], f"{call['duration_ms']:,.0f} ms", tokens)
    for call in found["tool_calls"]:
        arguments = ", ".join(f"{name}={str(value)[:50]!r}" for name, value in call["arguments"].items())
        what = _text(f"{call['server']}: {call['tool']}({arguments})"[:90])
        table.add_row(
            "tool", what, call["state"], f"{call['duration_ms']:,.0f} ms", f"{call['result_tokens']:,}"
        )
        if call["summary"]:
            table.add_row("", _text(call["summary"][:120], style="red"), "", "", "")
    console().print(table)


def _text(words: str, style: str = "") -> Text:
    """Words of other people: no markup, and nothing that a terminal would obey."""
    return Text(without_controls(words), style=style)


def _sum(run: Mapping[str, Any]) -> str:
    parts = [
        f"{run['model'] or 'no model'}, {run['model_requests']} requests",
        f"{run['input_tokens'] + run['cache_read_tokens'] + run['cache_write_tokens']:,} tokens in, {run['output_tokens']:,} out",
        _dollars(run["cost_usd"]),
        f"{_seconds(run['total_ms'])} (model {_seconds(run['model_ms'])}, tools {_seconds(run['tools_ms'])})",
        f"{run['removed_links']} links removed",
    ]
    return " · ".join(parts)


def _seconds(milliseconds: float | None) -> str:
    return "-" if milliseconds is None else f"{milliseconds / 1e3:.2f} s"


def _dollars(cost: float | None) -> str:
    return "cost not known" if cost is None else f"${cost:.4f}"
