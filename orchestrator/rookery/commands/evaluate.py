"""`rookery eval FILE`: ask questions whose answers are known; a report."""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rookery.commands.options import (
    Subparsers,
    add_agent_options,
    add_parser,
    agent_settings,
    asker,
    at_least_one,
    share,
)

if TYPE_CHECKING:
    from rookery.evaluation.cases import Verdict

_EPILOG = """\
FILE has a JSON object a line: {"question": "…", "facts": ["13 months"], "citations": ["data-retention"], "absent": []}.
A fact must occur in the answer, a citation in a cited link; a list in the place of a text gives several spellings.

examples:
  rookery eval questions.jsonl
  rookery eval questions.jsonl --model anthropic:claude-sonnet-5-5 --json > report.json

exit status: 0 the share that passed is at least --require; 1 it is not.
"""


def add_commands(subparsers: Subparsers) -> None:
    """Add `eval` to a command line."""
    parser = add_parser(subparsers, "eval", "ask questions whose answers are known; a report", _EPILOG)
    parser.add_argument("file", type=Path, help="the questions, a JSON object a line")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument(
        "--at-once", type=at_least_one, default=2, metavar="N", help="questions at the same time (default 2)"
    )
    parser.add_argument(
        "--require", type=share, default=1.0, metavar="SHARE", help="share that must pass (default 1.0)"
    )
    add_agent_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Ask and report. Returns the exit status."""
    return asyncio.run(_evaluate(arguments))


async def _evaluate(arguments: argparse.Namespace) -> int:
    from rookery.agent import open_agent
    from rookery.evaluation.cases import ask_all, read_cases

    cases = read_cases(arguments.file)
    settings = agent_settings(arguments)
    async with open_agent(settings) as agent:
        verdicts = await ask_all(
            agent,
            cases,
            asker(settings),
            at_once=arguments.at_once,
            told=_silent if arguments.json else _print,
        )
    report = _report(verdicts)
    if arguments.json:
        print(json.dumps(report, indent=1, ensure_ascii=False))
    else:
        print(
            f"\n{report['passed']} of {report['questions']} passed, {report['median_ms']:.0f} ms each (median)"
        )
    return 0 if report["share"] >= arguments.require else 1


def _print(verdict: Verdict) -> None:
    mark = "pass" if verdict.passed else "FAIL"
    print(f"{mark}  {verdict.case.id:<8} {verdict.case.question[:80]}")
    for one in (*verdict.missing, *([verdict.error] if verdict.error else ())):
        print(f"      {'':<8} {one}")


def _silent(_: Verdict) -> None:
    return


def _report(verdicts: list[Verdict]) -> dict[str, Any]:
    answers = [verdict.answer for verdict in verdicts if verdict.answer]
    costs = [answer.cost_usd for answer in answers if answer.cost_usd is not None]
    passed = sum(verdict.passed for verdict in verdicts)
    return {
        "questions": len(verdicts),
        "passed": passed,
        "share": passed / len(verdicts) if verdicts else 1.0,
        "median_ms": statistics.median(answer.timings.total_ms for answer in answers) if answers else 0.0,
        "cost_usd": sum(costs) if costs else None,
        "removed_links": sum(answer.removed_links for answer in answers),
        "results": [
            {
                "id": verdict.case.id,
                "question": verdict.case.question,
                "passed": verdict.passed,
                "missing": list(verdict.missing),
                "error": verdict.error,
                "answer": verdict.answer and verdict.answer.markdown,
                "citations": [one.permalink for one in verdict.answer.citations] if verdict.answer else [],
                "trace_id": verdict.answer and verdict.answer.trace_id,
            }
            for verdict in verdicts
        ],
    }
