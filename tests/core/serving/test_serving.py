"""A server built by core, spoken to by real clients, in both protocol eras."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Annotated, Any

import pytest
from fastmcp import Client, FastMCP
from fastmcp.utilities.tests import asgi_client
from pydantic import BaseModel, Field

from rookery_core.errors import ConfigurationError, NotFound
from rookery_core.identity import Caller, current_caller
from rookery_core.identity.asker import ASKER_META_KEY, sign
from rookery_core.identity.tokens import new_token
from rookery_core.serving import ServerSpec, create_server, http, tool
from rookery_core.settings import CoreSettings
from rookery_core.telemetry import trace_id

pytestmark = pytest.mark.slow

KEY = "k" * 40
SPEC = ServerSpec("rookery-example", "Example", "Ask who you are.", "0.1.0")


class Identity(BaseModel):
    """Who was served."""

    user: str | None
    kind: str
    channel: str | None
    trace: str | None


async def who_am_i(name: Annotated[str, Field(min_length=1, max_length=5)] = "x") -> Identity:
    """Say who asks."""
    if name == "none":
        raise NotFound("name: nobody is called none.", hint="Try one.", candidates=["one"])
    if name == "boom":
        raise RuntimeError("secret details")
    caller = current_caller()
    return Identity(user=caller.user, kind=caller.kind, channel=caller.channel, trace=trace_id())


def example(settings: CoreSettings | None = None, *, as_user: str | None = None) -> FastMCP:
    return create_server(
        SPEC,
        [tool(who_am_i), tool(_hidden, enabled=False)],
        settings=settings or CoreSettings(),
        as_user=as_user,
    )


async def _hidden() -> None:
    """Never listed."""


async def refusal(client: Client[Any], **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool_mcp("who_am_i", arguments)
    assert result.is_error
    return json.loads(result.content[0].text)  # type: ignore[union-attr]


@pytest.fixture(params=["auto", "legacy"])
def era(request: pytest.FixtureRequest) -> str:
    return request.param


async def test_both_eras_list_and_call(era: str) -> None:
    async with Client(example(), mode=era) as client:
        tools = await client.list_tools()
        assert [each.name for each in tools] == ["who_am_i"]
        assert tools[0].annotations is not None
        assert tools[0].annotations.read_only_hint
        result = await client.call_tool("who_am_i", {}, meta={"rookery/trace": "trace1"})
        assert result.structured_content == {
            "user": None,
            "kind": "anonymous",
            "channel": None,
            "trace": "trace1",
        }


async def test_errors_tell_the_model_what_to_do(era: str) -> None:
    async with Client(example(), mode=era) as client:
        missing = await refusal(client, name="none")
        assert missing == {
            "code": "not_found",
            "message": "name: nobody is called none.",
            "hint": "Try one.",
            "candidates": ["one"],
        }
        unexpected = await refusal(client, name="boom")
        assert unexpected["code"] == "internal"
        assert "secret" not in json.dumps(unexpected)
        refused = await refusal(client, name="far too long")
        assert refused["code"] == "invalid_input"
        assert refused["message"] == "name must have at most 5 characters."
        assert "far too long" not in json.dumps(refused)


async def test_as_user_is_who_asks_over_stdio() -> None:
    async with Client(example(as_user="U7")) as client:
        result = await client.call_tool("who_am_i", {})
        assert result.structured_content is not None
        assert result.structured_content["user"] == "U7"


def guarded(*entries: dict[str, Any]) -> FastMCP:
    settings = CoreSettings(http_tokens=json.dumps(entries), context_key=KEY)  # type: ignore[arg-type]
    server = example(settings)
    http.guard(server, settings, "0.0.0.0")
    http.add_health(server, None)
    return server


async def test_a_token_says_who_asks() -> None:
    token, entry = new_token("U1")
    async with asgi_client(guarded(entry), auth=token) as client:  # pyright: ignore[reportUnknownVariableType] theirs
        result = await client.call_tool("who_am_i", {})
    assert result.structured_content is not None
    assert (result.structured_content["user"], result.structured_content["kind"]) == ("U1", "member")


async def test_a_delegate_asks_for_a_person_with_the_signed_asker() -> None:
    token, entry = new_token("UBOT", scopes=["delegate"])
    person = Caller(user="U5", kind="guest", channel="C1")
    async with asgi_client(guarded(entry), auth=token) as client:  # pyright: ignore[reportUnknownVariableType] theirs
        result = await client.call_tool("who_am_i", {}, meta={ASKER_META_KEY: sign(person, KEY, SPEC.name)})
        assert result.structured_content is not None
        assert result.structured_content["user"] == "U5"
        wrong = {ASKER_META_KEY: sign(person, KEY, "rookery-other")}
        refused = await client.call_tool_mcp("who_am_i", {}, meta=wrong)
    assert refused.is_error
    assert "another server" in refused.content[0].text  # type: ignore[union-attr]


async def test_a_plain_token_cannot_ask_for_others() -> None:
    token, entry = new_token("U1")
    person = Caller(user="U5", kind="member")
    async with asgi_client(guarded(entry), auth=token) as client:  # pyright: ignore[reportUnknownVariableType] theirs
        refused = await client.call_tool_mcp(
            "who_am_i", {}, meta={ASKER_META_KEY: sign(person, KEY, SPEC.name)}
        )
    assert refused.is_error
    assert json.loads(refused.content[0].text)["code"] == "not_allowed"  # type: ignore[union-attr]


def test_beyond_loopback_a_server_refuses_to_start_without_a_token() -> None:
    with pytest.raises(ConfigurationError, match="ROOKERY_HTTP_TOKENS"):
        http.guard(example(), CoreSettings(), "0.0.0.0")
    http.guard(example(), CoreSettings(), "127.0.0.1")
    http.guard(example(), CoreSettings(), "::1")


def test_a_jwt_issuer_needs_its_audience() -> None:
    with pytest.raises(ConfigurationError, match="ROOKERY_JWT_AUDIENCE"):
        http.guard(
            example(),
            CoreSettings(jwt_jwks_url="https://id.example/keys", jwt_issuer="https://id.example"),
            "0.0.0.0",
        )


SERVE = """
import asyncio, sys
from rookery_core.serving import ServerSpec, create_server, BuiltServer, ServerApp
from rookery_core.settings import CoreSettings

def build(settings, arguments):
    return BuiltServer(create_server(ServerSpec("rookery-example", "Example", "", "0.1.0"), [], settings=settings))

sys.exit(ServerApp("rookery-example", 1, "x", CoreSettings.from_environment, build).main())
"""


async def served(arguments: list[str], environment: dict[str, str]) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SERVE, *arguments, env=environment, stderr=asyncio.subprocess.PIPE
    )
    _, stderr = await process.communicate()
    assert process.returncode is not None
    return process.returncode, stderr.decode()


@pytest.mark.parametrize(
    ("arguments", "environment", "words"),
    [
        (["--transport", "http", "--host", "0.0.0.0"], {}, "no token guards"),
        (["--transport", "http"], {"ROOKERY_HTTP_TOKENS": "@/nowhere"}, "cannot read /nowhere"),
        (["--transport", "http", "--as-user", "U1"], {}, "--as-user goes with stdio"),
        (["--port", "70000"], {}, "1 to 65535"),
        (["--transport", "http", "--workers", "0"], {}, "from 1 to 64"),
        (["--workers", "2"], {}, "--workers goes with --transport http"),
        (["--transport", "http", "--workers", "2", "--host", "0.0.0.0"], {}, "no token guards"),
        ([], {"ROOKERY_CONTEXT_KEY": "short"}, "ROOKERY_CONTEXT_KEY"),
        ([], {"ROOKERY_LOG_LEVEL": "loud"}, "ROOKERY_LOG_LEVEL"),
    ],
)
async def test_a_wrong_start_is_one_line_and_status_two(
    arguments: list[str], environment: dict[str, str], words: str
) -> None:
    status, stderr = await served(arguments, environment)
    assert status == 2
    assert words in stderr
    assert "Traceback" not in stderr


async def test_over_http_health_is_open_and_the_endpoint_is_not() -> None:
    from fastmcp.utilities.tests import asgi_server

    _token, entry = new_token("U1")
    async with asgi_server(guarded(entry)) as served_app, served_app.http_client() as client:
        assert (await client.get("/health")).json() == {"status": "ok"}
        assert (await client.get("/ready")).json() == {"status": "ready"}
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        for headers in ({}, {"Authorization": "Bearer wrong"}):
            assert (await client.post("/mcp", json=body, headers=headers)).status_code == 401
