"""The server as a process over HTTP: callers are not held up by one another, and a client of stdio is served."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from fastmcp import Client
from fastmcp.client.transports import StdioTransport

from emulators.github import Emulator, Fault
from emulators.github.sample import TOKEN
from loopback import free_port


def variables(emulator: Emulator) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "XDG_DATA_HOME")}
    return {
        **kept,
        "GITHUB_TOKEN": TOKEN,
        "ROOKERY_GITHUB_URL": emulator.url,
        "ROOKERY_GITHUB_WEB_URL": "https://github.com",
        "ROOKERY_GITHUB_CACHE": "memory",
    }


@pytest.fixture
def http_server(emulator: Emulator) -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "rookery_github", "--transport", "http", "--port", str(port)]
    with subprocess.Popen(command, env=variables(emulator), stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert "http://127.0.0.1" in process.stderr.readline()
        _wait_for(port)
        yield f"http://127.0.0.1:{port}/mcp"
        process.terminate()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with socket.socket() as attempt:
            if attempt.connect_ex(("127.0.0.1", port)) == 0:
                return
    raise AssertionError("the server does not listen")


@pytest.mark.slow
async def test_twenty_callers_are_not_held_up_by_one_slow_request(
    emulator: Emulator, http_server: str
) -> None:
    slow = emulator.fail(Fault(kind="slow", path="/issues/3$"))
    async with Client(http_server) as client:
        waiting = asyncio.create_task(client.call_tool("get_issue", {"issue": "acme/widgets#3"}))
        others = [
            client.call_tool("get_issue", {"issue": f"acme/widgets#{number}", "comments": "none"})
            for number in range(10, 29)
        ]
        replies = await asyncio.gather(*others)
        assert all(not reply.is_error for reply in replies)
        assert not waiting.done()
        emulator.release(slow)
        assert not (await waiting).is_error


@pytest.mark.slow
async def test_over_stdio(emulator: Emulator) -> None:
    transport = StdioTransport(
        sys.executable, ["-m", "rookery_github"], env=variables(emulator), keep_alive=False
    )
    async with Client(transport) as client:
        assert len(await client.list_tools()) == 12
        reply = await client.call_tool("get_issue", {"issue": "acme/widgets#1"})
        block: Any = reply.content[0]
        assert "Exporter stalls" in block.text
