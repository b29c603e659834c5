"""Every client configuration that the pages show, or a command writes, run as a client does: real processes over stdio."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fastmcp import Client
from fastmcp.client.transports import StdioTransport

from postgres_for_tests import TestServer
from rookery_slack.store.writer import Writer
from slack_facts import INGEST, channel, person, said, together

if TYPE_CHECKING:
    from rookery_core.database import Database

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
CLIENTS = ("claude-desktop", "claude-code", "cursor", "vscode")
_BLOCK = re.compile(r"^```jsonc?\n(.*?)^```", re.MULTILINE | re.DOTALL)
Entry = dict[str, Any]


def entries_of(document: Any) -> Iterator[tuple[str, Entry]]:
    yield from (document.get("mcpServers") or document.get("servers") or {}).items()


def documented() -> Iterator[tuple[str, str, Entry]]:
    """The page, name and entry of every server in a JSON block of a page."""
    for page in sorted(
        [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *ROOT.glob("servers/*/README.md")]
    ):
        for block in _BLOCK.findall(page.read_text(encoding="utf-8")):
            if "mcpServers" in block or '"servers"' in block:
                yield from ((str(page.relative_to(ROOT)), *entry) for entry in entries_of(json.loads(block)))


OURS = [found for found in documented() if Path(found[2].get("command", "")).name.startswith("rookery-")]


def run(*command: str, folder: Path) -> str:
    done = subprocess.run(
        [BIN / command[0], *command[1:]], capture_output=True, text=True, check=True, cwd=folder,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return done.stdout


async def answer_of(entry: Entry, environment: dict[str, str], tool: str, arguments: dict[str, Any]) -> str:
    """What a tool of the server answers that an entry starts."""
    command = BIN / Path(entry["command"]).name
    given: dict[str, str] = entry.get("env") or {}
    variables = {**environment, **given}
    transport = StdioTransport(str(command), list(entry.get("args") or []), env=variables, keep_alive=False)
    async with Client(transport) as client:
        assert tool in {each.name for each in await client.list_tools()}
        return str((await client.call_tool_mcp(tool, arguments)).content)


READING: dict[str, tuple[str, dict[str, Any]]] = {
    "rookery-slack": ("search_messages", {"query": "marmalade"}),
    "rookery-docs": ("list_sources", {}),
    "rookery-github": ("get_issue", {"issue": "no reference"}),
    "rookery-memory": ("list_memories", {}),
}


@pytest.fixture
async def environment(
    postgres: TestServer,
    database_name: str,
    open_database: Callable[..., Awaitable[Database]],
    tmp_path: Path,
) -> dict[str, str]:
    ingest = await open_database("rookery_ingest")
    facts = together(
        person("U0ADA", "Ada"),
        channel("C1", "general", "public", ("U0ADA",)),
        channel("C2", "board", "private", ("U0ADA",)),
        said("C1", "1700000001.000100", "marmalade for all", "U0ADA"),
        said("C2", "1700000002.000100", "marmalade for few", "U0ADA"),
    )
    async with ingest.transaction(INGEST) as connection:
        await Writer(INGEST).merge(connection, facts)
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "DATABASE_URL": postgres.app_dsn(database_name),
        "ROOKERY_EMBEDDER": "none",
    }


async def test_every_documented_entry_starts_and_shows_nobody_what_is_private(
    environment: dict[str, str],
) -> None:
    assert {name for _, name, _ in OURS} >= set(READING)
    seen: set[str] = set()
    for page, _, entry in OURS:
        program = Path(entry["command"]).name
        form = json.dumps([program, entry.get("args") or []])
        if form in seen:
            continue
        seen.add(form)
        told = await answer_of(entry, environment, *READING[program])
        assert "for few" not in told, page
        assert program != "rookery-slack" or "for all" in told, page


async def test_what_install_prints_and_init_writes_answers_for_who_is_named(
    environment: dict[str, str], tmp_path: Path
) -> None:
    forms: set[str] = set()
    for client in CLIENTS:
        printed = json.loads(
            run("rookery", "install", "--print", client, "--as-user", "U0ADA", folder=tmp_path)
        )
        forms |= {json.dumps([entry["command"], entry["args"]]) for _, entry in entries_of(printed)}
        assert {name for name, _ in entries_of(printed)} == set(READING)
    assert len(forms) == len(READING), "every client is given the same commands"
    named = {
        Path(command).name: {"command": command, "args": args} for command, args in map(json.loads, forms)
    }
    member = await answer_of(named["rookery-slack"], environment, *READING["rookery-slack"])
    stranger = {**named["rookery-slack"], "args": ["--as-user", "U0STRANGER"]}
    assert "for few" in member
    assert "for few" not in await answer_of(stranger, environment, *READING["rookery-slack"])
    run("rookery", "init", "--files-only", folder=tmp_path)
    written = dict(entries_of(json.loads((tmp_path / "mcp.json").read_text(encoding="utf-8"))))
    assert {name for name, entry in written.items() if entry.get("internal_only")} == {"github", "memory"}
    nobody = await answer_of(written["slack"], environment, *READING["rookery-slack"])
    assert "for all" in nobody
    assert "for few" not in nobody
