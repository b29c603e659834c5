"""The published interface: every tool's schema as it was last agreed on, and what the list costs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from asking_github import Asking, Connect, MakeSettings
from rookery_core.errors import ConfigurationError
from rookery_core.text import estimate_tokens
from rookery_github.server import build_server

SNAPSHOTS = Path(__file__).parent / "schemas"
READING = [
    "search_issues", "get_issue", "get_pull_request", "search_code", "get_file", "list_commits", "get_commit", "list_releases",
    "search_repositories", "get_workflow_run", "get_user_activity", "search_users",
]  # fmt: skip
WRITING = [
    "add_comment",
    "create_issue",
    "update_issue",
    "reply_to_review",
    "create_pull_request",
    "submit_review",
]


async def listed(ask: Asking) -> dict[str, dict[str, Any]]:
    tools = await ask.client.list_tools()
    return {tool.name: tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in tools}


def tokens(tool: dict[str, Any]) -> int:
    return estimate_tokens(json.dumps(tool, ensure_ascii=False, separators=(",", ":")))


async def test_reading_is_twelve_tools_in_three_thousand_tokens(ask: Asking) -> None:
    tools = await listed(ask)
    assert list(tools) == READING
    assert sum(tokens(tool) for tool in tools.values()) <= 3000


@pytest.mark.parametrize("name", [*READING, *WRITING])
async def test_schemas_are_as_agreed(connect: Connect, name: str) -> None:
    """UPDATE_SCHEMAS=1 writes them anew; the difference is then for a reviewer."""
    tool = (await listed(await connect(ROOKERY_GITHUB_WRITE="all")))[name]
    path = SNAPSHOTS / f"{name}.json"
    seen = {"tokens": tokens(tool), "tool": tool}
    if os.environ.get("UPDATE_SCHEMAS"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(seen, indent=1, ensure_ascii=False) + "\n")
    assert json.loads(path.read_text()) == seen


async def test_every_tool_says_what_a_client_may_assume(connect: Connect) -> None:
    for name, tool in (await listed(await connect(ROOKERY_GITHUB_WRITE="all"))).items():
        hints = tool["annotations"]
        needed = {"readOnlyHint", "openWorldHint"}  # the others mean something only of a tool that writes
        assert set(hints) >= (needed if name in READING else needed | {"destructiveHint", "idempotentHint"})
        assert hints["readOnlyHint"] is (name in READING)
        assert hints["openWorldHint"]
        assert tool["outputSchema"]["type"] == "object"
        properties = tool["inputSchema"]["properties"]
        assert ("max_tokens" in properties and "cursor" in properties) is (name in READING)


async def test_the_list_is_the_same_without_a_token_or_a_github(connect: Connect, ask: Asking) -> None:
    nowhere = await connect(GITHUB_TOKEN="", ROOKERY_GITHUB_URL="http://127.0.0.1:9")
    assert await listed(nowhere) == await listed(ask)


async def test_familiar_names_are_offered_when_asked_for(connect: Connect) -> None:
    ask = await connect(ROOKERY_GITHUB_ALIASES="familiar,look=get_file")
    names = set(await listed(ask))
    assert {
        "search_issues_and_prs",
        "get_recent_commits",
        "get_users",
        "search_repo_code",
        "get_releases",
        "find_repos",
        "look",
    } <= names
    assert "Widgets that count" in (await ask("find_repos", query="widgets")).text


async def test_tools_are_chosen_by_any_of_their_names(connect: Connect) -> None:
    ask = await connect(ROOKERY_TOOLS="find_repos, get_issue get_file", ROOKERY_EXCLUDE="get_file")
    assert list(await listed(ask)) == ["get_issue", "search_repositories"]


@pytest.mark.parametrize(
    "variables",
    [
        {"ROOKERY_TOOLS": "get_isue"},
        {"ROOKERY_GITHUB_WRITE": "get_issue"},
        {"ROOKERY_GITHUB_ALIASES": "x=nothing"},
        {"ROOKERY_GITHUB_ALIASES": "x"},
    ],
)
def test_an_unknown_name_is_a_mistake(make_settings: MakeSettings, variables: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError):
        build_server(make_settings(**variables))


def test_what_the_server_imports_leaves_heavy_libraries_for_later() -> None:
    program = "import sys, rookery_github.server; print(sorted(sys.modules.keys() & {'github', 'requests', 'asyncpg', 'numpy'}))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
