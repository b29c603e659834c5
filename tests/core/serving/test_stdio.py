"""A server over stdio whose client leaves, or that a person starts and stops in a terminal."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="has no such signals")]

SERVE = """
import asyncio, sys
from rookery_core.serving import ServerSpec, create_server, BuiltServer, ServerApp, tool
from rookery_core.settings import CoreSettings

async def hold() -> str:
    "Hold the call."
    print("held", file=sys.stderr, flush=True)
    await asyncio.sleep(60)
    return ""

def build(settings, arguments):
    spec = ServerSpec("rookery-example", "Example", "", "0.1.0")
    return BuiltServer(create_server(spec, [tool(hold)], settings=settings))

sys.exit(ServerApp("rookery-example", 1, "x", CoreSettings.from_environment, build).main())
"""
CALL: list[dict[str, Any]] = [
    {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}},
    {"jsonrpc": "2.0", "method": "notifications/initialized"},
    {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "hold", "arguments": {}}},
]  # fmt: skip
LIMIT_S = 20
"""Generous: other tests run beside these. A server that hangs would not end at all."""


@asynccontextmanager
async def started(stdin: int = asyncio.subprocess.PIPE) -> AsyncGenerator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SERVE, env={"PATH": os.environ["PATH"]},
        stdin=stdin, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def hold_a_call(process: asyncio.subprocess.Process) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    for message in CALL:
        process.stdin.write(json.dumps(message).encode() + b"\n")
    assert await process.stdout.readline()
    assert await process.stderr.readline() == b"held\n"


async def ending(process: asyncio.subprocess.Process) -> tuple[int | None, bytes]:
    assert process.stderr is not None
    async with asyncio.timeout(LIMIT_S):
        await process.wait()
        return process.returncode, await process.stderr.read()


async def test_one_interrupt_stops_it_during_a_call() -> None:
    async with started() as process:
        await hold_a_call(process)
        process.send_signal(signal.SIGINT)
        assert await ending(process) == (130, b"")


async def test_it_ends_quietly_when_its_input_ends_during_a_call() -> None:
    async with started() as process:
        await hold_a_call(process)
        assert process.stdin is not None
        process.stdin.close()
        assert await ending(process) == (0, b"")


async def test_it_ends_quietly_when_input_and_output_are_gone_during_a_call() -> None:
    async with started() as process:
        await hold_a_call(process)
        assert process.stdin is not None
        process._transport.get_pipe_transport(1).close()  # type: ignore[attr-defined]
        process.stdin.close()
        assert await ending(process) == (0, b"")


async def test_in_a_terminal_it_says_what_it_is() -> None:
    terminal, seen = os.openpty()
    try:
        async with started(seen) as process:
            assert process.stderr is not None
            hint = (await process.stderr.readline()).decode()
            process.send_signal(signal.SIGINT)
            assert await ending(process) == (130, b"")
    finally:
        os.close(terminal)
        os.close(seen)
    assert hint.startswith("rookery-example: an MCP server")
    assert "rookery install" in hint
