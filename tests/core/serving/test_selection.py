"""What of a server is shown: by its operator's settings, and by the address that a client connects to."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from fastmcp import Client, FastMCP
from fastmcp.exceptions import McpError
from fastmcp.utilities.tests import asgi_server

from rookery_core.errors import ConfigurationError
from rookery_core.serving import Choice, Selection, ServerSpec, choice_of, create_server, tool
from rookery_core.serving.selection import SHOW_ALL
from rookery_core.settings import CoreSettings

SPEC = ServerSpec("rookery-example", "Example", "", "0.1.0")


async def read_one() -> str:
    """Read."""
    return "one"


async def read_two() -> str:
    """Read."""
    return "two"


async def write() -> str:
    """Write."""
    return "written"


def all_of(scope: str) -> str:
    return f"all of {scope}"


def register(server: FastMCP) -> None:
    server.prompt(name="guide")(lambda: "how to")
    server.resource("memory://{scope}", name="scope")(all_of)
    server.resource("memory://status", name="status")(lambda: "well")


def example(choice: Choice = SHOW_ALL, *, may_write: bool = True) -> FastMCP:
    tools = [
        tool(read_one, synonyms=["first"]),
        tool(read_one, name="first", synonyms=["read_one"]),
        tool(read_two, synonyms=["write_two"]),
        tool(write, read_only=False, enabled=may_write),
    ]
    return create_server(SPEC, tools, settings=CoreSettings(), register=[register], choice=choice)


def tools_choice(only: str = "", exclude: str = "") -> Choice:
    return Choice(tools=Selection(tuple(only.split()), tuple(exclude.split())))


async def names(server: FastMCP) -> list[str]:
    async with Client(server) as client:
        return [each.name for each in await client.list_tools()]


@pytest.mark.parametrize(
    ("only", "exclude", "shown"),
    [
        ("", "", ["read_one", "first", "read_two", "write"]),
        ("read_*", "", ["read_one", "read_two"]),
        ("write*", "", ["write"]),  # a glob means the names that are offered, not those a tool also goes by
        ("write_two", "", ["read_two"]),
        ("read_one", "", ["read_one", "first"]),
        ("", "first", ["read_two", "write"]),
        ("read_*", "*_two", ["read_one"]),
        ("", "*", []),
    ],
)
async def test_the_operator_chooses_by_name_or_glob(only: str, exclude: str, shown: list[str]) -> None:
    assert await names(example(tools_choice(only, exclude))) == shown


async def test_naming_a_tool_that_is_off_does_not_switch_it_on() -> None:
    assert await names(example(tools_choice("write"), may_write=False)) == []


@pytest.mark.parametrize(
    ("only", "exclude", "variable"),
    [("read_onne", "", "ROOKERY_TOOLS"), ("", "wrte", "ROOKERY_EXCLUDE")],
)
def test_a_name_that_fits_no_tool_stops_the_start(only: str, exclude: str, variable: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^{variable}: no tool is called") as raised:
        example(tools_choice(only, exclude))
    assert raised.value.candidates


async def test_what_is_not_shown_cannot_be_used() -> None:
    choice = Choice(
        tools=Selection(exclude=("write",)),
        prompts=Selection(exclude=("gui*",)),
        resources=Selection(exclude=("scope",)),
    )
    async with Client(example(choice)) as client:
        refused = await client.call_tool_mcp("write", {})
        assert refused.is_error
        assert "Unknown tool" in refused.content[0].text  # type: ignore[union-attr]
        assert await client.list_prompts() == []
        assert await client.list_resource_templates() == []
        assert [each.name for each in await client.list_resources()] == ["status"]
        with pytest.raises(McpError, match="no prompt 'guide'"):
            await client.get_prompt("guide")
        with pytest.raises(McpError, match="no resource 'scope'"):
            await client.read_resource("memory://user")
        assert (await client.read_resource("memory://status"))[0].text == "well"  # type: ignore[union-attr]


async def over_http(server: FastMCP, query: str, method: str, **params: Any) -> dict[str, Any]:
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    headers = {"Accept": "application/json, text/event-stream"}
    async with (
        asgi_server(server, stateless_http=True, json_response=True) as served,
        served.http_client() as client,
    ):
        return (await client.post(f"/mcp?{query}", json=body, headers=headers)).json()


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", ["read_one", "first", "read_two"]),
        ("tools=read_two", ["read_two"]),
        ("tools=read_two,first", ["read_one", "first", "read_two"]),
        ("tools=read_two&tools=write", ["read_two"]),  # never more than the operator shows
        ("exclude_tools=read_*", ["first"]),
        ("other=1", ["read_one", "first", "read_two"]),
    ],
)
async def test_an_address_narrows_what_the_operator_shows(query: str, shown: list[str]) -> None:
    server = example(tools_choice(exclude="write"))
    answer = await over_http(server, query, "tools/list")
    assert [each["name"] for each in answer["result"]["tools"]] == shown


async def test_an_address_narrows_calls_prompts_and_resources_too() -> None:
    refused = await over_http(example(), "tools=read_*", "tools/call", name="write", arguments={})
    assert refused["result"]["isError"]
    served = await over_http(example(), "tools=read_*", "tools/call", name="read_two", arguments={})
    assert "isError" not in served["result"] or not served["result"]["isError"]
    assert (await over_http(example(), "exclude_prompts=*", "prompts/list"))["result"]["prompts"] == []
    hidden = await over_http(example(), "exclude_resources=*", "resources/read", uri="memory://status")
    assert "no resource 'status'" in hidden["error"]["message"]


async def test_an_address_that_names_no_tool_is_told_so() -> None:
    listed = await over_http(example(), "exclude_tools=wrte", "tools/list")
    assert listed["error"]["message"].startswith("?exclude_tools: no tool is called 'wrte'.")
    called = await over_http(example(), "tools=x", "tools/call", name="write", arguments={})
    answer = json.loads(called["result"]["content"][0]["text"])
    assert answer["code"] == "invalid_input"


def test_one_list_excludes_tools_prompts_and_resources() -> None:
    settings = CoreSettings(tools=("a", "b"), exclude=("b", "prompts:*", "resources:status"))
    assert choice_of(settings) == Choice(
        Selection(("a", "b"), ("b",)), Selection(exclude=("*",)), Selection(exclude=("status",))
    )


@pytest.mark.slow
def test_flags_choose_the_tools_of_one_server() -> None:
    words = [sys.executable, "-m", "rookery_docs", "--tools", "search_doc"]
    done = subprocess.run(
        words, check=False, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 2
    assert done.stderr.startswith("rookery-docs: ROOKERY_TOOLS: no tool is called 'search_doc'.")
    assert "Did you mean: search_docs" in done.stderr
