"""What `rookery install --print CLIENT` prints works as it stands, with the six variables that clients pass."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fastmcp import Client
from fastmcp.client.transports import StdioTransport

from rookery_core.text import estimate_tokens

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
SERVERS = ("slack", "docs", "github", "memory")
CLIENTS = ("claude-desktop", "claude-code", "cursor", "vscode")
PASSED_BY_CLIENTS = ("HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER")
LIST_LIMIT_TOKENS = 3_000
MOST_TOOLS = 12


def printed(client: str, *servers: str) -> dict[str, Any]:
    told = subprocess.run(
        [BIN / "rookery", "install", "--print", client, *servers], capture_output=True, text=True, check=True
    )
    return json.loads(told.stdout)


def entries(client: str) -> dict[str, dict[str, Any]]:
    configuration = printed(client)
    return configuration["servers" if client == "vscode" else "mcpServers"]


def started(entry: dict[str, Any], home: Path) -> StdioTransport:
    environment = {name: os.environ[name] for name in PASSED_BY_CLIENTS if name in os.environ}
    environment |= entry.get("env", {}) | {"HOME": str(home), "ROOKERY_DATABASE_IDLE_S": "2"}
    return StdioTransport(entry["command"], entry.get("args", []), env=environment, keep_alive=False)


@pytest.mark.parametrize("client", CLIENTS)
def test_every_client_gets_all_four_servers_with_absolute_commands(client: str) -> None:
    found = entries(client)
    assert set(found) == {f"rookery-{server}" for server in SERVERS}
    for entry in found.values():
        assert Path(entry["command"]).is_absolute()
        assert os.access(entry["command"], os.X_OK)


@pytest.mark.parametrize("server", SERVERS)
async def test_the_printed_entry_starts_and_lists_its_tools(server: str, tmp_path: Path) -> None:
    entry = entries("claude-desktop")[f"rookery-{server}"]
    async with Client(started(entry, tmp_path)) as client:
        tools = await client.list_tools()
    listed = [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in tools]
    assert 0 < len(tools) <= MOST_TOOLS
    assert estimate_tokens(json.dumps(listed, ensure_ascii=False, separators=(",", ":"))) <= LIST_LIMIT_TOKENS
    told = (ROOT / "servers" / server / "README.md").read_text(encoding="utf-8")
    for tool in tools:
        assert f"`{tool.name}`" in told, f"{tool.name} is not in the README of rookery-{server}"
        assert tool.annotations is not None
        assert tool.annotations.read_only_hint is not None
        assert tool.description


def commands_of(block: str) -> list[str]:
    configuration: dict[str, Any] = json.loads(block)
    servers: dict[str, dict[str, Any]] = configuration.get("mcpServers") or configuration.get("servers") or {}
    return [str(entry["command"]) for entry in servers.values() if "command" in entry]


@pytest.mark.parametrize("server", SERVERS)
def test_the_readme_shows_each_client(server: str) -> None:
    told = (ROOT / "servers" / server / "README.md").read_text(encoding="utf-8")
    for words in (
        "Claude Desktop",
        "Claude Code",
        "Cursor",
        "VS Code",
        '"uvx"',
        "rookery install --print",
    ):
        assert words in told, words
    commands = [
        command
        for block in re.findall(r"```json\n(.*?)```", told, re.DOTALL)
        for command in commands_of(block)
    ]
    assert commands
    assert all(command.endswith(f"/.venv/bin/rookery-{server}") or command == "uvx" for command in commands)


LAZY = ("asyncpg", "numpy", "wordllama", "github", "openai", "anthropic", "slack_sdk", "lxml")


@pytest.mark.parametrize("server", SERVERS)
def test_a_server_imports_nothing_heavy_before_it_is_needed(server: str) -> None:
    program = (
        f"import sys, rookery_{server}.server; print([name for name in {LAZY!r} if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
