"""What the demo shows."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from rich import box
from rich.console import Group
from rich.markdown import Markdown
from rich.panel import Panel
from rich.text import Text

from rookery.agent import Answer, Citation
from rookery.demo.imports import Imported
from rookery.demo.plan import Plan
from rookery.terminal.reports import console, with_numbers


def introduction(plan: Plan) -> None:
    """What is about to happen."""
    if plan.sample:
        about = (
            "Saltmarsh runs tide gauges. A month of its Slack and its handbook are about to be imported into a PostgreSQL "
            "that lives in a folder; then a worker answers questions about them over four MCP servers."
        )
    else:
        about = "Your data is about to be imported into a PostgreSQL that lives in a folder, and asked about."
    console().print(Panel(about, title="[bold]Rookery[/bold]", box=box.ROUNDED, padding=(0, 1), width=100))


@contextmanager
def step(title: str) -> Generator[list[str]]:
    """One step: its title while it runs, then how long it took and what the caller appended."""
    out, notes = console(), list[str]()
    started = time.perf_counter()
    if out.is_terminal:
        with out.status(title):
            yield notes
    else:
        yield notes
    seconds = time.perf_counter() - started
    out.print(f"[green]✓[/green] {title} [dim]{seconds:.1f} s[/dim]", highlight=False)
    for note in notes:
        out.print(Text(f"  {note}", style="dim"), soft_wrap=True)


def imported(one: Imported) -> list[str]:
    """The last lines of an import's own summary."""
    return [f"{one.what}: {line.strip()}" for line in one.summary.splitlines() if line.strip()][-3:]


def answered(number: int, question: str, answer: Answer, event_id: int, waited_ms: float) -> None:
    """One question and its answer, with the sources and the way it took."""
    searched = sorted({call.server for call in answer.tool_calls if call.state == "ok"})
    way = Text(
        f"event {event_id} · claimed after {waited_ms:.0f} ms · {len(answer.tool_calls)} tool calls "
        f"({', '.join(searched)}) · {answer.timings.total_ms / 1e3:.1f} s · {answer.model}",
        style="dim",
    )
    title = f"[bold]{number}. {question}[/bold]"
    body = Group(Markdown(with_numbers(answer)), Text(), way)
    out = console()
    out.print()
    out.print(Panel(body, title=title, title_align="left", box=box.ROUNDED, padding=(0, 1), width=100))
    for one in answer.citations:  # outside of the frame and never wrapped: a link must survive being copied
        out.print(_source(one), soft_wrap=True)


def _source(one: Citation) -> Text:
    return Text.assemble(
        f" [{one.number}] ",
        (f"{one.server:<7}", "bold cyan"),
        f" {one.title}\n     ",
        (one.permalink, "blue"),
    )


def farewell(data: str, seconds: float, extractive: bool) -> None:
    """How to go on. data: the variables, as typed before a command, with which it uses the demo's data."""
    out, rookery = console(), _typed()
    out.print()
    out.print(f"[bold]Done in {seconds:.1f} s.[/bold] How to go on:", highlight=False)
    for what, command in (
        ("ask more about this data", f'{data}{rookery} ask "…"'),
        (
            "use it in your MCP client",
            f"{data}{rookery} install --print claude-desktop   (or cursor, codex …; --write puts it into its file)",
        ),
        ("use your own data", f'{rookery} demo --slack-export export.zip --docs ./docs --question "…"'),
        ("check the installation", f"{data}{rookery} doctor"),
    ):
        out.print(f"  [bold]{what:<28}[/bold] {command}", highlight=False, soft_wrap=True)
    if extractive:
        out.print(
            "  [dim]These answers are quotes. With ANTHROPIC_API_KEY (or OPENAI_API_KEY) set, a model writes them.[/dim]"
        )


def _typed() -> str:
    """How this command is typed here: its name where the shell finds it, else the way to it from this folder."""
    command = Path(sys.argv[0])
    found = shutil.which("rookery")
    if found and command.exists() and os.path.samefile(found, command):
        return "rookery"
    return os.path.relpath(command) if command.is_relative_to(Path.cwd()) else str(command)
