"""How long a stdio server takes from its start to its answered tools/list, beside a bare FastMCP server.

    make bench-start [SCALE=2]

The bare server has one tool and nothing else. All are started the same way, in turn, round after round; then four
at once (our four against four bare ones). A separate database folder is used; tools/list needs no database.
Last, the first tool call ever: in an empty folder, with initdb and migrations, from the call to its answer.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from fastmcp import Client
from fastmcp.client.transports import StdioTransport

from bench.report import Result, show, write

SERVERS = ("rookery_slack", "rookery_docs", "rookery_github", "rookery_memory")
ROUNDS = 9
LIMIT = 1.4
COMMAND = "make bench-start"
BARE = """
from fastmcp import FastMCP

mcp = FastMCP("bare")

@mcp.tool
def add(a: int, b: int) -> int:
    "Add two numbers."
    return a + b

mcp.run(show_banner=False)
"""
INITIALIZE = (
    b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},'
    b'"clientInfo":{"name":"bench","version":"1"}}}\n'
    b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n'
    b'{"jsonrpc":"2.0","id":2,"method":"tools/list"}\n'
)


async def seconds_to_list(arguments: Sequence[str], environment: dict[str, str]) -> float:
    """Seconds from the start of the process until tools/list is answered."""
    started = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        env=environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        limit=2**24,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(INITIALIZE)
    while True:
        line = await process.stdout.readline()
        if not line:
            raise SystemExit(f"{' '.join(arguments)} ended before it answered")
        if b'"tools"' in line and b'"id":2' in line.replace(b" ", b""):
            break
    taken = time.perf_counter() - started
    process.kill()
    await process.wait()
    return taken


async def measure(rounds: int, environment: dict[str, str]) -> list[Result]:
    bare = ["-c", BARE]
    ours = {name: ["-m", name] for name in SERVERS}
    times: dict[str, list[float]] = {name: [] for name in ("bare", *SERVERS, "four", "four bare")}
    for arguments in (bare, *ours.values()):  # warms the file cache
        await seconds_to_list(arguments, environment)
    for _ in range(rounds):
        times["bare"].append(await seconds_to_list(bare, environment))
        for name, arguments in ours.items():
            times[name].append(await seconds_to_list(arguments, environment))
        times["four bare"].append(await _slowest([bare] * len(SERVERS), environment))
        times["four"].append(await _slowest(list(ours.values()), environment))
    results = [_result(f"start.{name}", times[name], times["bare"], "bare FastMCP") for name in SERVERS]
    return [*results, _result("start.four_at_once", times["four"], times["four bare"], "four bare FastMCP")]


async def _slowest(commands: Sequence[Sequence[str]], environment: dict[str, str]) -> float:
    return max(await asyncio.gather(*(seconds_to_list(command, environment) for command in commands)))


async def first_call(folder: Path, environment: dict[str, str], rounds: int) -> Result:
    """Seconds that the first call of a server takes when there is no database yet."""
    times = [
        await _seconds_to_first_answer(environment | {"ROOKERY_DATA_DIR": str(folder / f"first-{number}")})
        for number in range(rounds)
    ]
    return Result(
        id="start.first_call_ever",
        value=statistics.median(times),
        unit="s",
        better="lower",
        samples=times,
        command=COMMAND,
        note="rookery_memory list_memories; binaries copied, initdb, migrations",
    )


async def _seconds_to_first_answer(environment: dict[str, str]) -> float:
    transport = StdioTransport(sys.executable, ["-m", "rookery_memory"], env=environment, keep_alive=False)
    async with Client(transport) as client:
        started = time.perf_counter()
        result = await client.call_tool_mcp("list_memories", {})
        taken = time.perf_counter() - started
    if result.is_error:
        raise SystemExit(f"the first call was refused: {result.content}")
    return taken


def _result(name: str, ours: Sequence[float], bare: Sequence[float], peer_name: str) -> Result:
    ratio = statistics.median(one / other for one, other in zip(ours, bare, strict=True))
    return Result(
        id=name,
        value=ratio,
        unit="x bare",
        better="lower",
        target=LIMIT,
        samples=ours,
        command=COMMAND,
        note=f"median {statistics.median(ours):.2f} s, {peer_name} {statistics.median(bare):.2f} s",
    )


def main() -> None:
    rounds = max(3, round(ROUNDS * float(os.environ.get("SCALE", "1"))))
    with tempfile.TemporaryDirectory(prefix="rookery-bench-start-") as folder:
        environment = {
            name: os.environ[name]
            for name in ("HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER")
            if name in os.environ
        } | {"ROOKERY_DATA_DIR": str(Path(folder) / "data"), "ROOKERY_DATABASE_IDLE_S": "1"}
        results = asyncio.run(measure(rounds, environment))
        results.append(asyncio.run(first_call(Path(folder), environment, 3)))
    show(results, f"start to tools/list over stdio, {rounds} rounds")
    write("start", results)


if __name__ == "__main__":
    main()
