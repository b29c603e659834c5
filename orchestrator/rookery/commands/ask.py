"""`rookery ask "…"`: one question, one answer with its sources."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from typing import TYPE_CHECKING

from rookery.commands.options import (
    Subparsers,
    above_zero,
    add_agent_options,
    add_parser,
    agent_settings,
    asker,
)

if TYPE_CHECKING:
    from rookery.agent import Answer

_EPILOG = """\
Without a model's key (ANTHROPIC_API_KEY, or OPENAI_API_KEY and OPENAI_BASE_URL) the answer is made of quotes.

examples:
  rookery ask "How do I find which queries are slow in PostgreSQL?"
  rookery ask "What did we decide about the retention of readings?" --as-user U0INES0003
  rookery ask "Who is on call?" --json | jq -r '.citations[].permalink'
  echo "a long question" | rookery ask -

exit status: 0 answered; 1 no answer; 2 settings must be changed; 69 model not reachable.
"""


def add_commands(subparsers: Subparsers) -> None:
    """Add `ask` to a command line."""
    parser = add_parser(subparsers, "ask", "answer one question, with sources", _EPILOG)
    parser.add_argument("question", help="the question; - reads it from standard input")
    parser.add_argument(
        "--json", action="store_true", help="print answer, citations, tool calls and timings as JSON"
    )
    parser.add_argument(
        "--timeout", type=above_zero, metavar="SECONDS", help="for the whole answer (default 300)"
    )
    parser.add_argument(
        "--yes", action="store_true", help="confirm writing tool calls without asking (default: ask, or leave them undone)"
    )  # fmt: skip
    add_agent_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Ask and print. Returns the exit status. Raises InvalidInput for an empty question."""
    question = (
        sys.stdin.buffer.read().decode(errors="replace") if arguments.question == "-" else arguments.question
    )
    if not question.strip():
        from rookery_core.errors import InvalidInput

        raise InvalidInput("The question is empty.", hint='Write it in quotes: rookery ask "…"')
    return asyncio.run(_ask(question.strip(), arguments))


async def _ask(text: str, arguments: argparse.Namespace) -> int:
    from rookery.agent import Question, open_agent
    from rookery.terminal.answer_view import TerminalReader
    from rookery.terminal.reports import answer_as_json, print_answer

    started = time.perf_counter()
    settings = agent_settings(arguments)
    question = Question(text=text, caller=asker(settings))
    reader = TerminalReader(quiet=arguments.json, yes=arguments.yes)
    with reader:
        async with open_agent(settings) as agent:
            answer = await agent.answer(
                question,
                on_text=reader.text,
                on_tool=reader.tool,
                on_restart=reader.restart,
                confirm=reader.confirm if reader.can_confirm else None,
                deadline_s=arguments.timeout,
            )
    if arguments.json:
        print(json.dumps(answer_as_json(question, answer), ensure_ascii=False, indent=1))
    else:
        print_answer(answer, total_s=time.perf_counter() - started)
    return 0 if answer.stop_reason in ("answered", "cut") and not _found_nothing(answer) else 1


def _found_nothing(answer: Answer) -> bool:
    """An answer of quotes without a quote."""
    return answer.extractive and not answer.citations
