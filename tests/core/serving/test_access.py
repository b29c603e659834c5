"""A hosted server as browsers, probes and clients without a token see it."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx2
import pytest
from fastmcp import FastMCP

from rookery_core.http_server import ConnectionLimits
from rookery_core.identity.tokens import new_token
from rookery_core.serving import ServerSpec, create_server, http, rest
from rookery_core.settings import CoreSettings

SPEC = ServerSpec("rookery-example", "Example", "", "0.1.0")
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
ACCEPT = {"Accept": "application/json, text/event-stream"}
SITE = "https://app.example"


@asynccontextmanager
async def reached(host: str = "127.0.0.1", **given: object) -> AsyncGenerator[httpx2.AsyncClient]:
    settings = CoreSettings.model_validate(given)
    server: FastMCP = create_server(SPEC, [], settings=settings)
    http.guard(server, settings, host)
    http.add_health(server, None)
    rest.add_rest(server)
    inner, outer = http.applications(server, settings, host, ConnectionLimits())
    client = httpx2.AsyncClient(transport=httpx2.ASGITransport(outer), base_url="http://localhost")
    async with inner.router.lifespan_context(inner), client:
        yield client


def tokens() -> tuple[str, str]:
    token, entry = new_token("U1")
    return token, json.dumps([entry])


@pytest.mark.parametrize("path", ["/mcp", "/api"])
async def test_without_a_token_and_with_a_wrong_one_the_refusal_says_what_to_do(path: str) -> None:
    token, entries = tokens()
    async with reached(http_tokens=entries) as client:
        send = client.get if path == "/api" else client.post
        none = await send(path)
        wrong = await send(path, headers={"Authorization": "Bearer rk_wrong"})
        right = await send(path, headers={"Authorization": f"Bearer {token}"})
    assert none.status_code == wrong.status_code == 401
    assert none.json()["code"] == wrong.json()["code"] == "unauthorized"
    assert "Authorization: Bearer TOKEN" in none.json()["hint"]
    assert "rookery token new" in wrong.json()["hint"]
    assert none.headers["WWW-Authenticate"] == "Bearer"
    assert wrong.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    assert right.status_code != 401


async def test_a_host_that_is_not_allowed_is_told_the_setting(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, logger="rookery")
    async with reached() as client:
        for _ in range(2):
            refused = await client.get("/api", headers={"Host": "docs.example"})
            assert refused.status_code == 421
            assert refused.json()["code"] == "misdirected"
            assert "ROOKERY_ALLOWED_HOSTS" in refused.json()["hint"]
        for path in ("/health", "/ready"):
            assert (await client.get(path, headers={"Host": "10.0.0.7:8000"})).status_code == 200
    assert caplog.text.count("ROOKERY_ALLOWED_HOSTS") == 1
    assert "docs.example" in caplog.text


async def test_an_allowed_host_is_answered() -> None:
    async with reached(allowed_hosts="docs.example") as client:
        assert (await client.get("/api", headers={"Host": "docs.example:8000"})).status_code == 200


PREFLIGHT = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type,mcp-protocol-version,mcp-session-id",
}


@pytest.mark.parametrize("allowed", [SITE, f"{SITE}:443/", "https://*.example"])
@pytest.mark.parametrize("path", ["/mcp", "/api/look"])
async def test_a_browser_on_an_allowed_origin_gets_in(path: str, allowed: str) -> None:
    token, entries = tokens()
    async with reached(http_tokens=entries, allowed_origins=allowed) as client:
        preflight = await client.options(path, headers={"Origin": SITE, **PREFLIGHT})
        assert preflight.status_code == 200
        assert preflight.headers["Access-Control-Allow-Origin"] == SITE
        assert "POST" in preflight.headers["Access-Control-Allow-Methods"]
        assert "authorization" in preflight.headers["Access-Control-Allow-Headers"]
        headers = {"Origin": SITE, "Authorization": f"Bearer {token}", **ACCEPT}
        answer = await client.post("/mcp", json=LIST, headers=headers)
        assert answer.status_code == 200, answer.text
        assert answer.headers["Access-Control-Allow-Origin"] == SITE
        assert "mcp-session-id" in answer.headers["Access-Control-Expose-Headers"]
        refused = await client.post("/mcp", json=LIST, headers={"Origin": SITE})
        assert refused.status_code == 401
        assert refused.headers["Access-Control-Allow-Origin"] == SITE


@pytest.mark.parametrize("origin", ["https://evil.example.org", "https://app.example.evil.org", "null"])
async def test_a_browser_elsewhere_does_not(origin: str) -> None:
    async with reached(allowed_origins=SITE) as client:
        for answer in (
            await client.options("/mcp", headers={"Origin": origin, **PREFLIGHT}),
            await client.post("/mcp", json=LIST, headers={"Origin": origin, **ACCEPT}),
        ):
            assert answer.status_code == 403
            assert answer.json()["code"] == "not_allowed"
            assert "Access-Control-Allow-Origin" not in answer.headers


def test_the_start_names_the_setting_that_clients_elsewhere_need() -> None:
    assert "ROOKERY_ALLOWED_HOSTS" in http.start_message("x", CoreSettings(), "0.0.0.0", 1)
    assert http.start_message("x", CoreSettings(), "127.0.0.1", 1) == "x: http://127.0.0.1:1/mcp"
    allowed = CoreSettings.model_validate({"allowed_hosts": "docs.example"})
    assert "ROOKERY_ALLOWED_HOSTS" not in http.start_message("x", allowed, "0.0.0.0", 1)
