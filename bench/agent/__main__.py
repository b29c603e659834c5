"""What the orchestrator adds to the time of the model and of the tools, and what it weighs.

`python -m bench.agent` starts an embedded PostgreSQL in a folder of its own, imports the sample workspace, opens the agent
with the four servers over stdio, and lets an emulated Anthropic API (tests/emulators/models) answer at once, so that what
remains is ours. Then it does the same through the bot, as people in Slack would (bench/agent/slack.py). Prints a table and writes bench/results/agent.json.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.agent import slack as agent_slack
from bench.agent.slack import figure
from bench.report import Result, show, write

ROOT = Path(__file__).parents[2]
QUESTIONS = (
    "What fixed the connection pool exhaustion?",
    "How long do we keep raw gauge readings?",
    "Which sensors drift?",
    "What does the amber light mean?",
    "Who may use the API for free?",
)
IDLE = """
import asyncio, sys
from rookery.agent import open_agent
from rookery.settings import AgentSettings
async def main():
    async with open_agent(AgentSettings.from_environment()) as agent:
        status = open("/proc/self/status").read()
        print([line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")][0])
        print(int(any(name in sys.modules for name in ("anthropic", "openai", "slack_sdk"))))
asyncio.run(main())
"""


def main() -> int:
    """Measure. Returns the exit status: 1 when a target is missed."""
    parser = argparse.ArgumentParser(description="The orchestrator's own overhead, memory and start.")
    parser.add_argument(
        "--scale", type=int, default=int(os.environ.get("SCALE", "1")), help="more rounds (default 1)"
    )
    parser.add_argument("--concurrent", type=int, default=100, help="questions at once (default 100)")
    arguments = parser.parse_args()
    sys.path.insert(0, str(ROOT / "tests"))
    with tempfile.TemporaryDirectory(prefix="rookery-bench-") as folder:
        _prepare(folder)
        results = asyncio.run(_measure(40 * arguments.scale, arguments.concurrent))
        results += _processes(3 * arguments.scale)
        results += asyncio.run(
            agent_slack.measure(QUESTIONS, _without_github, 40 * arguments.scale, arguments.concurrent)
        )
    show(results, "orchestrator")
    write("agent", results)
    return 0 if all(result.met is not False for result in results) else 1


def _prepare(folder: str) -> None:
    """The sample workspace, imported as anybody would."""
    for name in [name for name in os.environ if name.startswith(("ROOKERY_", "DATABASE_URL"))]:
        del os.environ[name]
    os.environ["ROOKERY_DATA_DIR"] = folder
    sample = ROOT / "orchestrator" / "rookery" / "demo_data"
    for words in (
        ("slack", "import", str(sample / "slack")),
        ("docs", "add", "handbook", str(sample / "docs")),
    ):
        subprocess.run(
            [sys.executable, "-m", "rookery_ingest", *words], check=True, stdout=subprocess.DEVNULL
        )


async def _measure(rounds: int, concurrent: int) -> list[Result]:
    from emulators.models import ModelEmulator
    from rookery.agent import open_agent
    from rookery.settings import AgentSettings

    async with ModelEmulator(brain=_without_github) as models:
        os.environ |= {"ANTHROPIC_API_KEY": "emulated", "ANTHROPIC_BASE_URL": models.url}
        async with open_agent(AgentSettings.from_environment()) as agent:
            assert not agent.servers.down(), agent.servers.down()[0].problem
            await _ask(
                agent, QUESTIONS[0]
            )  # the SDK and the servers' databases are opened with the first question
            alone = [await _ask(agent, QUESTIONS[number % len(QUESTIONS)]) for number in range(rounds)]
            started = time.perf_counter()
            together = await asyncio.gather(
                *(_ask(agent, QUESTIONS[number % len(QUESTIONS)]) for number in range(concurrent)),
                return_exceptions=True,
            )
            seconds = time.perf_counter() - started
    errors = sum(isinstance(one, BaseException) for one in together)
    overhead = [wall - answer.timings.model_ms for answer, wall in alone]
    bare = [wall - answer.timings.model_ms - answer.timings.tools_ms for answer, wall in alone]
    return [
        figure("overhead", statistics.median(overhead), "ms", None, overhead, "p50; all but the model: three searches, links, trace"),
        figure("overhead_p95", statistics.quantiles(overhead, n=20)[-1], "ms", None, (), "p95 of the same"),
        figure("own", statistics.median(bare), "ms", None, bare, "p50; the same without the time of the tools"),
        figure("total", statistics.median(wall for _, wall in alone), "ms", None, (), "p50, with the emulated model"),
        figure("concurrent_errors", errors, "errors", 0, (), f"{concurrent} questions at once"),
        figure("concurrent_time", seconds, "s", None, (), f"{concurrent} questions at once, all answered"),
    ]  # fmt: skip


def _without_github(request: Any) -> Any:
    """Search all but GitHub, which would be the network's time."""
    from emulators.models import researcher

    reply = researcher(request)
    return replace(reply, uses=tuple(use for use in reply.uses if not use.name.endswith("search_issues")))


async def _ask(agent: Any, text: str) -> tuple[Any, float]:
    """The answer, and how long its asker waited for it in milliseconds."""
    from rookery.agent import Question

    started = time.perf_counter()
    answer = await agent.answer(Question(text=text))
    assert answer.citations, text
    return answer, (time.perf_counter() - started) * 1e3


def _processes(rounds: int) -> list[Result]:
    idle = subprocess.run(
        [sys.executable, "-c", IDLE], capture_output=True, text=True, check=True
    ).stdout.split()
    helps = [_seconds([sys.executable, "-m", "rookery", "--help"]) * 1e3 for _ in range(rounds)]
    asks = [
        _seconds([sys.executable, "-m", "rookery", "ask", QUESTIONS[0], "--model", "extractive"])
        for _ in range(rounds)
    ]
    return [
        figure("idle_memory", int(idle[0]) / 1024, "MiB", None, (), f"agent open, four servers; model SDKs imported: {idle[1]}"),
        figure("help", statistics.median(helps), "ms", None, helps, "rookery --help"),
        figure("ask", statistics.median(asks), "s", None, asks, "rookery ask, including the start of four servers"),
    ]  # fmt: skip


def _seconds(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


if __name__ == "__main__":
    raise SystemExit(main())
