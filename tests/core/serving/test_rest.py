"""The REST twin: the same tools, callers and refusals as over MCP, with HTTP's own words for them."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Any, Literal

import httpx2
import jsonschema
import pytest
from fastmcp import FastMCP
from fastmcp.utilities.tests import asgi_server
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from rookery_core.errors import Conflict, DatabaseStarting, NotAllowed, NotFound, RateLimited
from rookery_core.identity import Caller, current_caller
from rookery_core.identity.asker import sign
from rookery_core.identity.tokens import new_token
from rookery_core.serving import Choice, Selection, ServerSpec, create_server, http, openapi, rest, tool
from rookery_core.serving.selection import SHOW_ALL
from rookery_core.settings import CoreSettings
from rookery_core.telemetry import trace_id

KEY = "k" * 40
SPEC = ServerSpec("rookery-example", "Example", "Ask who you are.", "0.1.0")


class Part(BaseModel):
    """A part of an answer."""

    text: str


class Echo(BaseModel):
    """What was understood, and for whom."""

    user: str | None
    kind: str
    trace: str | None
    given: dict[str, Any]
    parts: list[Part]


class Span(BaseModel):
    """From one day to another."""

    first: str
    last: str | None = None


async def look(
    words: Annotated[str, Field(min_length=1, max_length=9, description="What for.")] = "x",
    limit: Annotated[int, Field(ge=1, le=50)] = 20,
    exact: bool = False,
    channels: list[str] | None = None,
    people: str | list[str] = "",
    order: Literal["new", "old"] | None = None,
    span: Span | None = None,
    weight: float | None = None,
) -> Echo:
    """Look for words.

    Second paragraph.
    """
    caller = current_caller()
    known: dict[str, Any] = dict(locals())
    del known["caller"]
    known["span"] = span.model_dump() if span else None
    return Echo(user=caller.user, kind=caller.kind, trace=trace_id(), given=known, parts=[Part(text=words)])


async def change(name: str) -> Echo:
    """Change something."""
    failures: Mapping[str, Exception] = {
        "missing": NotFound("name: there is none.", hint="Try one.", candidates=["one"]),
        "forbidden": NotAllowed(),
        "raced": Conflict(),
        "busy": RateLimited(retry_after_s=7),
        "starting": DatabaseStarting(retry_after_s=2),
        "boom": RuntimeError("secret details"),
    }
    if name in failures:
        raise failures[name]
    return Echo(user=None, kind="", trace=None, given={"name": name}, parts=[])


def example(
    settings: CoreSettings | None = None, choice: Choice = SHOW_ALL, host: str = "127.0.0.1"
) -> FastMCP:
    read = settings or CoreSettings()
    server = create_server(SPEC, [tool(look), tool(change, read_only=False)], settings=read, choice=choice)
    http.guard(server, read, host)
    rest.add_rest(server)
    return server


@asynccontextmanager
async def calling(server: FastMCP) -> AsyncGenerator[httpx2.AsyncClient]:
    async with (
        asgi_server(server, stateless_http=True, json_response=True) as served,
        served.http_client() as client,
    ):
        yield client


async def test_the_index_says_what_there_is_and_how_to_call_it() -> None:
    async with calling(example()) as client:
        index = (await client.get("/api")).json()
    assert (index["name"], index["version"]) == ("rookery-example", "0.1.0")
    methods = {each["name"]: each["methods"] for each in index["tools"]}
    assert methods == {"look": ["GET", "POST"], "change": ["POST"]}
    assert index["tools"][0]["input_schema"]["properties"]["limit"]["maximum"] == 50


async def test_post_takes_json_and_get_takes_a_query() -> None:
    given = {
        "words": "a b", "limit": 5, "exact": True, "channels": ["c1", "c2"], "people": "ann", "order": "old",
        "span": {"first": "monday", "last": None}, "weight": 0.5,
    }  # fmt: skip
    query: Sequence[tuple[str, str]] = [
        ("words", "a b"), ("limit", "5"), ("exact", "true"), ("channels", "c1"), ("channels", "c2"),
        ("people", "ann"), ("order", "old"), ("span", '{"first": "monday"}'), ("weight", "0.5"),
    ]  # fmt: skip
    async with calling(example()) as client:
        posted = await client.post("/api/look", json=given)
        got = await client.get("/api/look", params=list(query))
        one = await client.get("/api/look", params={"channels": "c1"})
        two = await client.get("/api/look", params=[("people", "ann"), ("people", "bo")])
        none = await client.post("/api/look", headers={"Content-Type": "application/json; charset=utf-8"})
    assert posted.status_code == got.status_code == 200
    assert posted.json()["given"] == got.json()["given"] == given
    assert one.json()["given"]["channels"] == ["c1"]
    assert two.json()["given"]["people"] == ["ann", "bo"]
    assert none.json()["given"]["limit"] == 20
    assert posted.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("name", "status", "code", "retry_after"),
    [
        ("missing", 404, "not_found", None),
        ("forbidden", 403, "not_allowed", None),
        ("raced", 409, "conflict", None),
        ("busy", 429, "rate_limited", "7"),
        ("starting", 503, "database_starting", "2"),
        ("boom", 500, "internal", None),
    ],
)
async def test_a_failure_has_the_status_that_http_has_for_it(
    name: str, status: int, code: str, retry_after: str | None
) -> None:
    async with calling(example()) as client:
        answer = await client.post("/api/change", json={"name": name})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers.get("Retry-After") == retry_after
    assert "secret" not in answer.text
    if name == "missing":
        assert answer.json()["candidates"] == ["one"]
    if name == "boom":
        assert answer.json()["trace_id"] == answer.headers["Rookery-Trace"]


async def test_bad_requests_name_what_is_wrong() -> None:
    async with calling(example()) as client:
        as_json = {"Content-Type": "application/json"}
        cases = [
            (await client.post("/api/look", json={"limit": 500}), 400, "limit must be at most 50"),
            (await client.post("/api/look", json={"lmit": 5}), 400, "lmit"),
            (
                await client.get("/api/look", params=[("limit", "1"), ("limit", "2")]),
                400,
                "limit must be a whole number",
            ),
            (await client.get("/api/look", params={"span": "{"}), 400, "span"),
            (await client.post("/api/look", content=b"[1]", headers=as_json), 400, "not a JSON object"),
            (await client.post("/api/look", content=b"{", headers=as_json), 400, "not JSON"),
            (await client.post("/api/look", content=b"\xff", headers=as_json), 400, "not JSON"),
            (await client.post("/api/look", content=b"[" * 100_000, headers=as_json), 400, "not JSON"),
            (await client.post("/api/look", data={"words": "x"}), 415, "application/json"),
            (await client.post("/api/look", content=b" " * 5_000_000, headers=as_json), 413, "larger than"),
            (await client.get("/api/change", params={"name": "x"}), 405, "changes something"),
            (await client.post("/api/lok", json={}), 404, "No tool is called 'lok'"),
        ]
    for answer, status, words in cases:
        assert answer.status_code == status, answer.text
        assert words in answer.json()["message"]
        assert answer.json()["code"] in ("invalid_input", "not_found")
    assert cases[-1][0].json()["candidates"] == ["look"]
    assert cases[-2][0].headers["Allow"] == "POST"


async def test_a_body_that_says_it_is_too_large_is_not_waited_for() -> None:
    headers = {"Content-Type": "application/json", "Content-Length": "99999999"}
    async with calling(example()) as client:
        answer = await client.post("/api/look", content=b"{}", headers=headers)
    assert answer.status_code == 413


async def test_only_bearers_of_a_token_get_in_and_it_says_who_asks() -> None:
    token, entry = new_token("U1")
    settings = CoreSettings(http_tokens=json.dumps([entry]))  # type: ignore[arg-type]
    async with calling(example(settings, host="0.0.0.0")) as client:
        for path in ("/api", "/api/openapi.json", "/api/look"):
            for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {token}"}):
                refused = await client.get(path, headers=headers)
                assert refused.status_code == 401
                assert refused.json()["code"] == "unauthorized"
                assert refused.headers["WWW-Authenticate"].startswith("Bearer")
        asked = await client.get("/api/look", headers={"Authorization": f"Bearer {token}"})
    assert (asked.json()["user"], asked.json()["kind"]) == ("U1", "member")


async def test_a_delegate_asks_for_a_person_by_header() -> None:
    bot, bot_entry = new_token("UBOT", scopes=["delegate"])
    plain, plain_entry = new_token("U1")
    settings = CoreSettings(http_tokens=json.dumps([bot_entry, plain_entry]), context_key=KEY)  # type: ignore[arg-type]
    person = Caller(user="U5", kind="guest", channel="C1")

    def asking(token: str, audience: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {token}", "Rookery-Asker": sign(person, KEY, audience)}

    async with calling(example(settings, host="0.0.0.0")) as client:
        served = await client.post("/api/look", json={}, headers=asking(bot, SPEC.name))
        elsewhere = await client.post("/api/look", json={}, headers=asking(bot, "rookery-other"))
        presumed = await client.post("/api/look", json={}, headers=asking(plain, SPEC.name))
    assert (served.json()["user"], served.json()["kind"]) == ("U5", "guest")
    assert [elsewhere.status_code, presumed.status_code] == [403, 403]


async def test_a_call_belongs_to_the_trace_that_it_names() -> None:
    w3c = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    async with calling(example()) as client:
        ours = await client.get("/api/look", headers={"Rookery-Trace": "trace1"})
        theirs = await client.get("/api/look", headers={"traceparent": w3c})
        new = await client.get("/api/look", headers={"Rookery-Trace": "no trace!"})
    assert ours.json()["trace"] == ours.headers["Rookery-Trace"] == "trace1"
    assert theirs.json()["trace"] == "0af7651916cd43dd8448eb211c80319c"
    assert new.json()["trace"] == new.headers["Rookery-Trace"] != "no trace!"


async def test_what_the_operator_hides_is_not_there_and_a_query_holds_arguments_only() -> None:
    choice = Choice(tools=Selection(exclude=("change",)))
    async with calling(example(choice=choice)) as client:
        assert (await client.post("/api/change", json={"name": "x"})).status_code == 404
        assert "tools" in (await client.get("/api/look", params={"tools": "x"})).json()["message"]
        narrowed = await client.get("/api", params={"exclude_tools": "look"})
        assert narrowed.json()["tools"] == []
        assert (await client.get("/api", params={"tools": "lok"})).status_code == 400


async def test_other_sites_and_other_hosts_are_refused_as_by_mcp() -> None:
    server = example()
    async with (
        asgi_server(server, stateless_http=True, json_response=True, host_origin_protection=True) as served,
        served.http_client() as client,
    ):
        evil = await client.post("/api/look", json={}, headers={"Origin": "https://evil.example"})
        rebound = await client.get("/api", headers={"Host": "evil.example"})
    assert evil.status_code == 403
    assert rebound.status_code == 421


async def test_openapi_describes_every_call_and_every_reference_leads_somewhere() -> None:
    async with calling(example()) as client:
        described = (await client.get("/api/openapi.json")).json()
        answer = (await client.post("/api/look", json={"span": {"first": "x"}})).json()
    assert described["openapi"] == "3.1.0"
    assert described["info"]["description"] == "Ask who you are."
    assert {path: set(entry) for path, entry in described["paths"].items()} == {
        "/api/look": {"get", "post"},
        "/api/change": {"post"},
    }
    assert "security" not in described
    references = set(re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(described)))
    assert references == {f"components/schemas/{name}" for name in described["components"]["schemas"]}
    post = described["paths"]["/api/look"]["post"]
    takes = post["requestBody"]["content"]["application/json"]["schema"]
    answers = post["responses"]["200"]["content"]["application/json"]["schema"]
    whole = {"components": described["components"]}
    jsonschema.validate({"span": {"first": "x"}, "limit": 5}, takes | whole)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"span": {"last": "x"}}, takes | whole)
    jsonschema.validate(answer, answers | whole)


async def test_openapi_says_that_a_token_is_wanted_where_it_is() -> None:
    token, entry = new_token("U1")
    settings = CoreSettings(http_tokens=json.dumps([entry]))  # type: ignore[arg-type]
    async with calling(example(settings, host="0.0.0.0")) as client:
        described = (
            await client.get("/api/openapi.json", headers={"Authorization": f"Bearer {token}"})
        ).json()
    assert described["security"] == [{"token": []}]
    assert "401" in described["paths"]["/api/look"]["post"]["responses"]


@given(
    st.lists(st.tuples(st.sampled_from(["words", "channels", "people", "span", "limit", "odd"]), st.text()))
)
def test_any_query_becomes_arguments_without_losing_a_value(items: list[tuple[str, str]]) -> None:
    from fastmcp.tools import FunctionTool

    arguments = openapi.arguments_of_query(FunctionTool.from_function(look), items)
    assert list(arguments) == list(dict.fromkeys(name for name, _ in items))
    for name, value in arguments.items():
        values = [each for key, each in items if key == name]
        assert value == values or (len(values) == 1 and (value == values[0] or name == "span"))
