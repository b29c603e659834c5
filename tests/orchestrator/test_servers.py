"""Servers over real stdio and HTTP: started, lost, found again; time and size bounded."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from emulators.models.scripted import ScriptedModel
from loopback import free_port
from rookery.agent import Agent, Question
from rookery.settings import AgentSettings
from rookery_core.mcp.configuration import NamedServer, ServerEntry
from rookery_core.mcp.connection import CallRefused, Connection, ServerDown, ToolTimedOut
from rookery_core.mcp.results import read_result
from rookery_core.mcp.server_group import ServerGroup, model_name

pytestmark = pytest.mark.slow

ODD = str(Path(__file__).with_name("odd_server.py"))
SAMPLE = str(Path(__file__).with_name("sample_server.py"))


def stdio(name: str = "sample", **more: Any) -> NamedServer:
    return NamedServer(name, ServerEntry(command=sys.executable, args=(SAMPLE,), **more))


@pytest_asyncio.fixture
async def sample() -> AsyncIterator[Connection]:
    async with ServerGroup([stdio()]) as group:
        yield group.connections[0]


async def call(
    connection: Connection, tool: str, timeout_s: float = 10, repeat: bool = True, **arguments: Any
) -> Any:
    result = await connection.call(tool, arguments, timeout_s=timeout_s, meta={}, repeat=repeat)
    return read_result(result)


async def test_calls_answer_with_text_and_values(sample: Connection) -> None:
    answer = await call(sample, "search_messages", query="pool")
    assert answer.structured["messages"][0]["user"] == {"display_name": "Priya"}
    assert "7.3.1" in answer.text
    assert (await call(sample, "slow", seconds=0)).structured == "at last"


async def test_an_error_of_the_tool_is_an_answer(sample: Connection) -> None:
    answer = await call(sample, "fails")
    assert answer.is_error
    assert "disk is full" in answer.text


async def test_a_tool_that_dawdles_is_given_up_and_the_server_stays(sample: Connection) -> None:
    with pytest.raises(ToolTimedOut, match="slow did not answer within"):
        await call(sample, "slow", timeout_s=0.2, seconds=30)
    assert (await call(sample, "slow", seconds=0)).text == "at last"


async def test_a_server_that_dies_is_started_again_for_a_repeatable_call(
    sample: Connection, tmp_path: Path
) -> None:
    answer = await call(sample, "die_once", marker=str(tmp_path / "died"))
    assert answer.text == "alive again"


async def test_a_writing_call_is_never_repeated(sample: Connection) -> None:
    with pytest.raises(ServerDown):
        await call(sample, "die", repeat=False)
    await sample.wait_until_up(20)
    assert (await call(sample, "post", repeat=False, text="x")).text == "posted 1"


async def test_a_tool_that_does_not_exist_is_told_and_breaks_nothing(sample: Connection) -> None:
    try:
        assert (await call(sample, "nonsense")).is_error
    except CallRefused as error:
        assert "nonsense" in str(error)
    assert sample.up


async def test_foreign_servers_see_little_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "DATABASE_URL",
        "GITHUB_TOKEN",
        "ANTHROPIC_API_KEY",
        "ROOKERY_CONTEXT_KEY",
        "SLACK_BOT_TOKEN",
    ):
        monkeypatch.setenv(name, "secret")
    async with ServerGroup([stdio(env={"OWN": "1"})]) as group:
        seen = set((await call(group.connections[0], "environment")).structured)
    assert "OWN" in seen
    assert not seen & {
        "DATABASE_URL",
        "GITHUB_TOKEN",
        "ANTHROPIC_API_KEY",
        "ROOKERY_CONTEXT_KEY",
        "SLACK_BOT_TOKEN",
    }


async def test_a_server_that_cannot_start_is_left_out_and_told(tmp_path: Path) -> None:
    broken = NamedServer("broken", ServerEntry(command=str(tmp_path / "nothing")))
    async with ServerGroup([stdio(), broken]) as group:
        assert [each.name for each in group.down()] == ["broken"]
        assert group.down()[0].problem
        assert "sample_search_messages" in group.tools()
        with pytest.raises(ServerDown, match="broken"):
            await call(group.connections[1], "x", timeout_s=0.1)


async def test_a_server_that_comes_back_joins_again() -> None:
    port = free_port()
    process = await http_server(port)
    entry = ServerEntry(url=f"http://127.0.0.1:{port}/mcp")
    async with ServerGroup([NamedServer("remote", entry)]) as group:
        (remote,) = group.connections
        assert (await call(remote, "slow", seconds=0)).text == "at last"
        process.kill()
        await process.wait()
        with pytest.raises(ServerDown):
            await call(remote, "slow", timeout_s=0.5, seconds=0)
        assert group.tools() == {}
        process = await http_server(port)
        await remote.wait_until_up(20)
        assert (await call(remote, "slow", seconds=0)).text == "at last"
        assert "remote_slow" in group.tools()
    process.kill()
    await process.wait()


async def test_cancelling_a_call_leaves_the_connection_usable(sample: Connection) -> None:
    task = asyncio.create_task(call(sample, "slow", seconds=30))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await call(sample, "slow", seconds=0)).text == "at last"


async def test_names_prefixes_and_what_is_allowed() -> None:
    only = stdio("one", allowed_tools=("slow",), internal_only=True)
    bare = stdio("two", prefix="", allowed_tools=("slow", "fails"))
    twin = stdio("three", prefix="", allowed_tools=("slow",))
    async with ServerGroup([only, bare, twin]) as group:
        names = list(group.tools())
        assert names[:3] == ["one_slow", "fails", "slow"]
        assert names[3].startswith("three_slow_")
        assert group.tools()["slow"].server.name == "two"
        assert "one_slow" not in group.tools(internal=False)


@pytest.mark.parametrize("tool", ["a.b/c", "x" * 100])
def test_names_that_providers_accept(tool: str) -> None:
    name = model_name("server", tool)
    assert len(name) <= 64
    assert name.replace("_", "").replace("-", "").isalnum()


def test_long_names_stay_apart() -> None:
    assert model_name("s", "x" * 100) != model_name("s", "x" * 101)


async def http_server(port: int) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(sys.executable, SAMPLE, "--http", str(port))
    await until(lambda: answers(port))
    return process


def answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.05)


def odd(mode: str = "well") -> NamedServer:
    return NamedServer("odd", ServerEntry(command=sys.executable, args=(ODD, mode)))


@pytest_asyncio.fixture
async def odd_server() -> AsyncIterator[Connection]:
    async with ServerGroup([odd()]) as group:
        yield group.connections[0]


async def test_tools_come_in_pages_and_names_that_collide_stay_apart(odd_server: Connection) -> None:
    fleet_names = {tool.name for tool in odd_server.tools}
    assert {"refuses", "structured", "a.b", "a_b"} <= fleet_names
    assert (await call(odd_server, "a.b")).text == "with a dot"
    assert (await call(odd_server, "a_b")).text == "with a line"


async def test_a_server_that_says_its_tools_changed_is_asked_at_once(odd_server: Connection) -> None:
    await call(odd_server, "grows")
    await until(lambda: any(tool.name == "grown" for tool in odd_server.tools))


async def test_an_answer_against_the_tools_own_schema_costs_the_call_not_the_server(
    odd_server: Connection,
) -> None:
    with pytest.raises(CallRefused, match="not of type 'integer'"):
        await call(odd_server, "lies")
    assert odd_server.up


async def test_what_is_no_text_is_named(odd_server: Connection) -> None:
    assert (await call(odd_server, "shows")).text.splitlines() == [
        "See:",
        "[image left out: only text can be read here]",
        "[audio left out: only text can be read here]",
        "[resource file:///plan.pdf, plan.pdf, The plan]",
        "a memo",
        "[resource memo://2]",
    ]
    assert (await call(odd_server, "structured")).structured == {"city": "Hanoi"}
    assert (await call(odd_server, "empty")).text == "(empty result)"


async def test_output_that_is_no_message_and_no_utf8_is_passed_over(
    odd_server: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    assert (await call(odd_server, "garbles", timeout_s=5)).text == "done"
    async with ServerGroup([odd("noise")], start_timeout_s=10) as group:
        assert group.connections[0].up
    noise = [record for record in caplog.records if record.name == "mcp.client.stdio"]
    assert noise and all(record.exc_info is None and "\n" not in record.getMessage() for record in noise)


async def test_a_server_that_hangs_at_its_start_holds_nobody_up() -> None:
    async with ServerGroup([odd("hangs"), stdio()], start_timeout_s=5) as group:
        assert [each.name for each in group.down()] == ["odd"]
        assert "sample_slow" in group.tools()


async def test_a_tool_with_the_name_of_our_own_is_offered_once(odd_server: Connection) -> None:
    bare = NamedServer("odd", odd_server.server.entry.model_copy(update={"prefix": ""}))
    async with ServerGroup([bare]) as group:
        agent = Agent(AgentSettings(traces=False), group, model := ScriptedModel(["done"]))
        await agent.answer(Question(text="x"))
        names = [tool.name for tool in model.requests[0].tools]
        assert len(names) == len(set(names))
