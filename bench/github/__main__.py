"""The GitHub server on the emulator: tokens, repeated questions, callers side by side.

    DATA=/folder/of/issues-and-pulls .venv/bin/python -m bench.github

DATA has issues, pulls and, where there, commits as .jsonl or .jsonl.gz; without it the small sample is used.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from fastmcp import Client

from bench.github.questions import Question, Subjects, questions
from bench.report import Result, show, write
from emulators.github import Emulator, Fault, Repository, World, load_folder
from emulators.github.sample import TOKEN, sample_world
from loopback import free_port
from rookery_core.text import estimate_tokens
from rookery_github.server import build_server
from rookery_github.settings import GitHubSettings

COMMAND = "DATA=folder .venv/bin/python -m bench.github"
CALLERS = 20
ROUNDS = 15
SESSION = 50


def loaded() -> tuple[World, Repository]:
    """The world with the folder that DATA names, and its largest repository."""
    world = sample_world()
    folder = os.environ.get("DATA")
    repositories = load_folder(world, Path(folder)) if folder else [world.repositories["acme/widgets"]]
    return world, max(repositories, key=lambda one: len(one.issues))


def settings(emulator: Emulator, folder: str, cache: str, **more: Any) -> GitHubSettings:
    """A server in front of the emulator, with a database of its own when the cache is to be there."""
    return GitHubSettings.from_environment(
        GITHUB_TOKEN=TOKEN,
        ROOKERY_GITHUB_URL=emulator.url,
        ROOKERY_GITHUB_WEB_URL="https://github.com",
        ROOKERY_GITHUB_CACHE=cache,
        ROOKERY_DATA_DIR=Path(folder),
        ROOKERY_GITHUB_USE_GH=False,
        **more,
    )


async def measure_tokens(emulator: Emulator, asked: list[Question], folder: str) -> list[Result]:
    """Tokens of our answers, of the raw API's JSON, and of the official server's minimal shapes."""
    ours: list[int] = []
    raw: list[int] = []
    minimal: list[int] = []
    over = 0
    async with Client(build_server(settings(emulator, folder, "memory")).server) as client:
        for question in asked:
            reply = await client.call_tool(question.tool, question.arguments)
            block: Any = reply.content[0]
            text: str = block.text
            limit = question.arguments.get("max_tokens", 2000)
            structured = json.dumps(reply.structured_content, ensure_ascii=False)
            over += max(estimate_tokens(text), estimate_tokens(structured)) > limit
            ours.append(estimate_tokens(text))
            answers = [
                (_get(emulator, path, parameters), shape) for path, parameters, shape in question.requests
            ]
            raw.append(sum(estimate_tokens(answer) for answer, _shape in answers))
            shaped = (
                json.dumps(shape(json.loads(answer)), ensure_ascii=False, separators=(",", ":"))
                for answer, shape in answers
            )
            minimal.append(sum(estimate_tokens(one) for one in shaped))
            print(
                f"{ours[-1]:6} ours {minimal[-1]:7} minimal {raw[-1]:8} raw   {question.words}",
                file=sys.stderr,
            )
    return [
        _ratio("github.tokens.raw", raw, ours, 10.0, "raw REST JSON"),
        _ratio("github.tokens.minimal", minimal, ours, 3.0, "github-mcp-server minimal shapes"),
        Result(
            id="github.tokens.over_budget",
            value=over,
            unit="answers over max_tokens",
            better="lower",
            target=0,
            command=COMMAND,
        ),
        Result(
            id="github.tokens.mean",
            value=statistics.mean(ours),
            unit="tokens an answer",
            better="lower",
            command=COMMAND,
            samples=ours,
        ),
    ]


def _ratio(name: str, theirs: list[int], ours: list[int], target: float, peer: str) -> Result:
    each = [their / our for their, our in zip(theirs, ours, strict=True)]
    note = f"{peer}: {sum(theirs)} tokens, ours {sum(ours)}; median question {statistics.median(each):.1f}x, worst {min(each):.1f}x"
    return Result(
        id=name,
        value=sum(theirs) / sum(ours),
        unit="times fewer tokens",
        target=target,
        command=COMMAND,
        samples=each,
        note=note,
    )


def _get(emulator: Emulator, path: str, parameters: dict[str, Any]) -> str:
    query = urllib.parse.urlencode(parameters)
    request = urllib.request.Request(
        f"{emulator.url}{path}?{query}", headers={"Authorization": f"token {TOKEN}"}
    )
    with urllib.request.urlopen(request) as answer:
        return answer.read().decode()


def session(repository: Repository, asked: list[Question]) -> list[tuple[str, dict[str, Any]]]:
    """Fifty mixed calls: the twenty questions, then issues, pull requests and commits in turn."""
    calls = [(question.tool, question.arguments) for question in asked]
    issues = sorted(number for number in repository.issues if number not in repository.pulls)
    pulls = sorted(repository.pulls)
    shas = list(repository.commits)
    for at in range(SESSION):
        calls.append(("get_issue", {"issue": f"{repository.full_name}#{issues[at * 3 % len(issues)]}"}))
        number = pulls[at * 5 % len(pulls)]
        calls.append(
            (
                "get_pull_request",
                {"pull": f"{repository.full_name}#{number}", "parts": ["description", "threads"]},
            )
        )
        calls.append(("get_commit", {"commit": f"{repository.full_name}@{shas[at * 7 % len(shas)]}"}))
    return calls[:SESSION]


async def measure_repetition(
    emulator: Emulator, calls: list[tuple[str, dict[str, Any]]], folder: str, cache: str
) -> list[Result]:
    """The same session twice: requests that count, and the time of a call, the second time."""
    chosen = settings(emulator, folder, cache)
    if cache == "database":
        await _open_once(chosen)
    async with Client(build_server(chosen).server) as client:
        if cache == "database":
            await _until_cached(client, calls[0])
        first = await _timed(client, calls)
        before = len(emulator.requests)
        second = await _timed(client, calls)
        counted = [one for one in emulator.requests[before:] if one[2] != 304]
    note = f"first pass p50 {statistics.median(first):.1f} ms; requests of any kind in the second: {len(emulator.requests) - before}"
    p95 = statistics.quantiles(second, n=20)[-1]
    return [
        *_repeated(f"github.repeat.{cache}", len(counted), second, note),
        Result(id=f"github.repeat.{cache}.p95", value=p95, unit="ms", better="lower", command=COMMAND),
    ]


def _repeated(name: str, counted: int, taken: list[float], note: str) -> list[Result]:
    """Requests that count, and the median of the calls."""
    return [
        Result(
            id=f"{name}.counted_requests",
            value=counted,
            unit="requests",
            better="lower",
            target=0,
            command=COMMAND,
        ),
        Result(
            id=f"{name}.p50",
            value=statistics.median(taken),
            unit="ms",
            better="lower",
            command=COMMAND,
            samples=taken,
            note=note,
        ),
    ]


async def measure_revalidation(
    emulator: Emulator, calls: list[tuple[str, dict[str, Any]]], folder: str
) -> list[Result]:
    """The second pass once GitHub's minute is over: every kept answer is asked about, and 304 costs nothing."""
    async with Client(
        build_server(settings(emulator, folder, "memory", ROOKERY_GITHUB_FRESH_S=0)).server
    ) as client:
        await _timed(client, calls)
        before = len(emulator.requests)
        second = await _timed(client, calls)
        made = emulator.requests[before:]
    counted = sum(one[2] != 304 for one in made)
    note = f"{len(made) - counted} answers of 304, no request that counts"
    return _repeated("github.repeat.revalidated", counted, second, note)


async def _open_once(chosen: GitHubSettings) -> None:
    from rookery_core.database import Database

    database = await Database.open(chosen, role="rookery_github", application_name="bench")
    await database.close()


async def _until_cached(client: Client[Any], call: tuple[str, dict[str, Any]]) -> None:
    """Until the server's own database connection is open; its cache is in memory before."""
    await asyncio.sleep(2)
    await client.call_tool(*call)


async def _timed(client: Client[Any], calls: list[tuple[str, dict[str, Any]]]) -> list[float]:
    taken: list[float] = []
    for tool, arguments in calls:
        started = time.perf_counter()
        await client.call_tool(tool, arguments)
        taken.append((time.perf_counter() - started) * 1e3)
    return taken


async def measure_callers(emulator: Emulator, repository: Repository, folder: str) -> list[Result]:
    """Twenty callers over HTTP while one request of another hangs: how long theirs take."""
    port = free_port()
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME")}
    variables = {"GITHUB_TOKEN": TOKEN, "ROOKERY_GITHUB_URL": emulator.url, "ROOKERY_GITHUB_WEB_URL": "https://github.com",
                 "ROOKERY_GITHUB_CACHE": "memory", "ROOKERY_DATA_DIR": folder}  # fmt: skip
    command = [sys.executable, "-m", "rookery_github", "--transport", "http", "--port", str(port)]
    with subprocess.Popen(command, env={**kept, **variables}, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_for(port)
            return await _side_by_side(emulator, repository, f"http://127.0.0.1:{port}/mcp")
        finally:
            process.terminate()


async def _side_by_side(emulator: Emulator, repository: Repository, url: str) -> list[Result]:
    numbers = sorted(repository.issues)
    held, *others = numbers
    taken: list[float] = []

    async def caller(index: int) -> None:
        async with Client(url) as client:
            for turn in range(ROUNDS):
                number = others[(index * ROUNDS + turn) % len(others)]
                started = time.perf_counter()
                await client.call_tool("get_issue", {"issue": f"{repository.full_name}#{number}"})
                taken.append((time.perf_counter() - started) * 1e3)

    slow = emulator.fail(Fault(kind="slow", path=f"/repos/{repository.full_name}/issues/{held}$"))
    async with Client(url) as client:
        waiting = asyncio.create_task(
            client.call_tool("get_issue", {"issue": f"{repository.full_name}#{held}"}, raise_on_error=False)
        )
        await asyncio.sleep(0.2)
        started = time.perf_counter()
        await asyncio.gather(*(caller(index) for index in range(CALLERS)))
        elapsed = time.perf_counter() - started
        still_waiting = not waiting.done()
        emulator.release(slow)
        await waiting
    note = f"{CALLERS} callers, {len(taken)} calls of two requests each, while one request hung for all of the {elapsed:.1f} s"
    return [
        Result(
            id="github.callers.held_up",
            value=0 if still_waiting else 1,
            unit="callers behind the slow one",
            better="lower",
            target=0,
            command=COMMAND,
            note=note,
        ),
        Result(id="github.callers.throughput", value=len(taken) / elapsed, unit="calls/s", command=COMMAND),
        Result(
            id="github.callers.p50",
            value=statistics.median(taken),
            unit="ms",
            better="lower",
            command=COMMAND,
        ),
        Result(
            id="github.callers.p99",
            value=statistics.quantiles(taken, n=100)[-1],
            unit="ms",
            better="lower",
            command=COMMAND,
        ),
    ]


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with socket.socket() as attempt:
            if attempt.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError("the server does not listen")


async def measure() -> list[Result]:
    """Everything."""
    world, repository = loaded()
    asked = questions(Subjects.of(repository))
    print(f"{repository.full_name}: {len(repository.issues)} issues and pull requests", file=sys.stderr)
    results: list[Result] = []
    with tempfile.TemporaryDirectory(prefix="rookery-bench-") as folder, Emulator(world) as emulator:
        emulator.application.limits.update(core=10**6, search=10**6, code_search=10**6)
        results += await measure_tokens(emulator, asked, folder)
        for cache in ("memory", "database"):
            results += await measure_repetition(emulator, session(repository, asked), folder, cache)
        results += await measure_revalidation(emulator, session(repository, asked), folder)
        results += await measure_callers(emulator, repository, folder)
    return results


def main() -> None:
    """Measure, print, and write bench/results/github.json."""
    results = asyncio.run(measure())
    show(results, "GitHub server")
    print(write("github", results))


if __name__ == "__main__":
    main()
