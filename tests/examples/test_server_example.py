"""`examples/server.py` is a complete server: a real client speaks to it over stdio."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from fastmcp import Client
from fastmcp.client.transports import StdioTransport
from fastmcp.exceptions import ToolError

PROGRAM = Path(__file__).parents[2] / "examples" / "server.py"
MAX_LINES = 60

pytestmark = pytest.mark.slow


async def read(client: Client[Any], **arguments: Any) -> dict[str, Any]:
    return (await client.call_tool("read_notes", arguments)).structured_content or {}


def texts(answer: dict[str, Any]) -> list[str]:
    return [note.split("\n")[1] for note in answer["notes"]]


async def test_the_server_of_one_tool_pages_and_suggests() -> None:
    """examples/server.py: bounds in the schema, a cursor bound to its call, did you mean."""
    assert len(PROGRAM.read_text(encoding="utf-8").splitlines()) < MAX_LINES
    async with Client(StdioTransport(sys.executable, [str(PROGRAM)])) as client:
        (listed,) = await client.list_tools()
        assert listed.title == "Read notes"
        assert listed.input_schema["properties"]["limit"]["maximum"] == 500
        first = await read(client, topic="restores", limit=2)
        assert texts(first) == ["Stop the replica.", "Run `restore --at TIME` as operator."]
        cursor = first["next_cursor"]
        second = await read(client, topic="restores", cursor=cursor)
        assert texts(second) == ["Start the replica."]
        assert second["next_cursor"] is None
        with pytest.raises(ToolError, match="cursor was issued for other arguments"):
            await client.call_tool("read_notes", {"topic": "deploys", "cursor": cursor})
        with pytest.raises(ToolError, match='"candidates": \\["restores"\\]'):
            await client.call_tool("read_notes", {"topic": "restore"})


async def test_half_a_surrogate_pair_gets_an_answer() -> None:
    """A request that UTF-8 cannot hold is answered, never met with silence."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(PROGRAM), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdin and process.stdout
    initialize = {
        "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"},
    }  # fmt: skip
    requests = [
        {"id": 1, "method": "initialize", "params": initialize},
        {"method": "notifications/initialized"},
        {
            "id": 2,
            "method": "tools/call",
            "params": {"name": "read_notes", "arguments": {"topic": "a\ud83d"}},
        },
        {
            "id": 3,
            "method": "tools/call",
            "params": {"name": "read_notes", "arguments": {"topic": "deploys"}},
        },
    ]
    answers: dict[int, str] = {}
    try:
        for request in requests:
            process.stdin.write(json.dumps({"jsonrpc": "2.0"} | request).encode() + b"\n")
        async with asyncio.timeout(20):
            while set(answers) != {1, 2, 3}:
                line = await process.stdout.readline()
                answer = json.loads(line)
                if "id" in answer:
                    answers[answer["id"]] = line.decode()
    finally:
        process.kill()
        await process.wait()
    assert "there are no notes on" in answers[2] or "error" in answers[2]
    assert "weekdays" in answers[3]
