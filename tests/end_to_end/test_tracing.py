"""One question is one trace: in the orchestrator, in its servers, over MCP and REST, as a collector receives it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from fastmcp import Client
from fastmcp.client.transports import StdioTransport

from emulators.collector import Collector, collecting
from loopback import free_port

pytestmark = pytest.mark.slow

BIN = Path(sys.executable).parent
SERVER = """
import sys
from rookery_core.serving import ServerSpec, create_server, BuiltServer, ServerApp, tool
from rookery_core.settings import CoreSettings

async def search_messages(query: str) -> dict[str, str]:
    "Search messages."
    return {"text": "The queue moved to PostgreSQL.", "permalink": "https://acme.slack.com/archives/C1/p1"}

def build(settings, arguments):
    spec = ServerSpec("rookery-example", "Example", "", "0.1.0")
    return BuiltServer(create_server(spec, [tool(search_messages)], settings=settings))

sys.argv[0] = "rookery-example"
sys.exit(ServerApp("rookery-example", 1, "x", CoreSettings.from_environment, build).main())
"""
TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}


def environment(folder: Path, **more: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(folder), "ROOKERY_DATA_DIR": str(folder / "data"), **more}


async def until_listening(port: int) -> None:
    async with asyncio.timeout(30):
        while True:
            with contextlib.suppress(ConnectionRefusedError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return


def sending(collector: Collector) -> dict[str, str]:
    return {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}


async def called(variables: Mapping[str, str], folder: Path, meta: dict[str, str]) -> str:
    """Call the tool of a server of its own over stdio; returns what the server logged."""
    log = folder / "server.log"
    transport = StdioTransport(
        sys.executable,
        ["-c", SERVER],
        env=environment(folder, **variables),
        keep_alive=False,
        log_file=log,
    )
    async with Client(transport) as client:
        assert (await client.call_tool("search_messages", {"query": "queue"}, meta=meta)).data
    return log.read_text(encoding="utf-8")


async def test_a_servers_spans_belong_to_the_trace_that_the_request_names(tmp_path: Path) -> None:
    with collecting() as collector:
        log = await called(sending(collector), tmp_path, PARENT)
    spans = [each for each in collector.spans if each.name == "tools/call search_messages"]
    assert [(each.service, each.trace, each.parent) for each in spans] == [
        ("rookery-example", TRACE, "b7ad6b7169203331")
    ]
    assert log == ""


async def test_a_request_without_a_trace_is_logged_under_that_of_its_span(tmp_path: Path) -> None:
    with collecting() as collector:
        log = await called(sending(collector) | {"ROOKERY_LOG_LEVEL": "debug"}, tmp_path, {})
    (span,) = [each for each in collector.spans if each.name == "tools/call search_messages"]
    assert f"[{span.trace}] tools/call search_messages took" in log


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, "OTEL_TRACES_EXPORTER=zipkin is not known here"),
        ({"OTEL_TRACES_EXPORTER": "console"}, '"name": "tools/call search_messages"'),
    ],
)
async def test_what_cannot_be_sent_is_said_once_and_the_log_goes_on(
    variables: dict[str, str], words: str, tmp_path: Path
) -> None:
    log = await called(variables, tmp_path, PARENT)
    assert log.count(words) == 1
    assert "Traceback" not in log


@pytest.mark.parametrize("variables", [{"OTEL_SDK_DISABLED": "true"}, {"OTEL_TRACES_EXPORTER": "none"}])
async def test_spans_can_be_switched_off(variables: dict[str, str], tmp_path: Path) -> None:
    with collecting() as collector:
        assert await called(sending(collector) | variables, tmp_path, PARENT) == ""
    assert collector.spans == []


async def test_each_of_several_processes_sends_its_spans(tmp_path: Path) -> None:
    calls = 12
    with collecting() as collector:
        server = await asyncio.create_subprocess_exec(
            sys.executable, "-c", SERVER, "--transport", "http", "--port", str(port := free_port()), "--workers", "2",
            env=environment(tmp_path, **sending(collector)), stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert server.stderr is not None
        assert b"/mcp" in await server.stderr.readline()
        await until_listening(port)
        for _ in range(calls):  # each over a connection of its own, which either process may take
            async with Client(f"http://127.0.0.1:{port}/mcp") as client:
                await client.call_tool("search_messages", {"query": "queue"}, meta=PARENT)
        server.terminate()
        problems = (await server.communicate())[1]
    spans = [each for each in collector.spans if each.name == "tools/call search_messages"]
    assert (len(spans), problems) == (calls, b"")
    assert {each.trace for each in spans} == {TRACE}


async def test_a_collector_that_is_away_costs_no_answer(tmp_path: Path) -> None:
    away = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_EXPORTER_OTLP_TIMEOUT": "1"}
    await called(away, tmp_path, PARENT)


async def test_one_question_is_one_trace_from_the_agent_to_its_servers(tmp_path: Path) -> None:
    with collecting() as collector:
        server = {"command": sys.executable, "args": ["-c", SERVER], "env": sending(collector)}
        (tmp_path / "mcp.json").write_text(json.dumps({"mcpServers": {"example": server}}))
        process = await asyncio.create_subprocess_exec(
            BIN / "rookery", "ask", "Where did the queue move?",
            env=environment(tmp_path, ROOKERY_TRACES="off", ROOKERY_MCP_CONFIG="mcp.json", **sending(collector)), cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, problems = await process.communicate()
    assert process.returncode == 0, problems.decode()
    assert "PostgreSQL" in out.decode()
    (root,) = [each for each in collector.spans if each.name == "answer"]
    assert (root.service, root.parent) == ("rookery", "")
    of_question = [each for each in collector.spans if each.trace == root.trace]
    names = {(each.service, each.name.split()[0]) for each in of_question}
    assert names >= {("rookery", "answer"), ("rookery", "chat"), ("rookery-example", "tools/call")}
