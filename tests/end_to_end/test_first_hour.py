"""The first hour of a new user: what one command prints is what the next one needs. Real processes and files."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastmcp import Client
from fastmcp.client.transports import StdioTransport

pytestmark = pytest.mark.slow

BIN = Path(sys.executable).parent
PASSED_BY_CLIENTS = ("HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder of a user without settings, whose embedded servers stop when the test ends."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ROOKERY_DATABASE_IDLE_S", "2")
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.delenv("ROOKERY_ENV_FILE")
    yield tmp_path
    for data in (tmp_path / ".rookery" / "demo", tmp_path / ".local" / "share" / "rookery"):
        if data.exists():
            run(tmp_path, "rookery", "db", "stop", variables={"ROOKERY_DATA_DIR": str(data)})


def run(
    folder: Path, *words: str, variables: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    command = [str(BIN / words[0]), *words[1:]]
    return subprocess.run(
        command, check=False, cwd=folder, env={**os.environ, **(variables or {})}, capture_output=True, text=True,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip


def advised(output: str, action: str) -> tuple[dict[str, str], list[str]]:
    """The variables and words of the command that the demo advises for this."""
    line = next(line for line in output.splitlines() if f" {action} " in line or line.endswith(f" {action}"))
    words = shlex.split(line.partition("  ROOKERY_")[1] + line.partition("  ROOKERY_")[2])
    variable, _, value = words[0].partition("=")
    return {variable: value}, words[2:]


async def called(entry: dict[str, Any], tool: str, arguments: dict[str, Any]) -> str:
    """What a tool answers a client that starts the entry with the variables that clients pass."""
    environment = {name: os.environ[name] for name in PASSED_BY_CLIENTS if name in os.environ}
    transport = StdioTransport(
        entry["command"], entry["args"], env=environment | entry["env"], keep_alive=False
    )
    async with Client(transport) as client:
        return str(await client.call_tool(tool, arguments))


async def test_the_command_that_the_demo_advises_gives_a_client_the_demos_data(folder: Path) -> None:
    shown = run(folder, "rookery", "demo")
    assert shown.returncode == 0, shown.stderr
    variables, words = advised(shown.stdout, "install --print claude-desktop")
    assert words[:3] == ["install", "--print", "claude-desktop"]
    printed = run(folder, "rookery", *words[:3], variables=variables)
    assert "Slack messages up to 2026-10-27" in printed.stderr
    assert str(folder / ".rookery" / "demo") in printed.stderr
    servers = json.loads(printed.stdout)["mcpServers"]
    found = await called(servers["rookery-docs"], "search_docs", {"query": "data retention"})
    assert "data-retention" in found
    found = await called(servers["rookery-slack"], "search_messages", {"query": "connection pool exhaustion"})
    assert "slack.com/archives/" in found
    variables, words = advised(shown.stdout, "doctor")
    assert run(folder, "rookery", *words, variables=variables).stdout.startswith("ok    data ")
    empty = run(folder, "rookery", "install", "--print", "cursor").stderr
    assert f"ROOKERY_DATA_DIR={folder / '.rookery' / 'demo'}" in empty


async def test_what_is_imported_in_a_folder_with_an_env_file_is_what_a_client_reads(folder: Path) -> None:
    (folder / ".env").write_text("ROOKERY_DATA_DIR=own\n")
    (folder / "pages").mkdir()
    (folder / "pages" / "deploy.md").write_text("# Deploys\n\nWe deploy on Tuesdays at ten.\n")
    refused = run(folder, "rookery-ingest", "docs", "add", "handbook", "pages")
    assert refused.returncode == 2
    assert "rookery trust" in refused.stderr
    assert run(folder, "rookery", "trust").returncode == 0
    added = run(
        folder,
        "rookery-ingest",
        "docs",
        "add",
        "handbook",
        "pages",
        "--base-url",
        "https://handbook.example/",
    )
    assert added.returncode == 0, added.stderr
    written = run(folder, "rookery", "install", "--write", "claude-code", "docs", "--yes")
    assert written.returncode == 0, written.stderr
    assert f"1 page, 0 memories, 0 Slack messages (embedded in {folder / 'own'})" in written.stderr
    entry = json.loads((folder / ".mcp.json").read_text())["mcpServers"]["rookery-docs"]
    assert "https://handbook.example/deploy" in await called(
        entry, "search_docs", {"query": "when do we deploy"}
    )
    assert (
        run(folder, "rookery", "ask", "When do we deploy?").stdout.count("https://handbook.example/deploy")
        == 1
    )
    run(folder, "rookery", "db", "stop")
