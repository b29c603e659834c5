"""Deliveries of webhooks: signed, each once, into the queue, and news for the cache."""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import ClientSession
from hypothesis import given
from hypothesis import strategies as st

from loopback import free_port
from rookery_core.errors import InvalidInput
from rookery_core.http_server import HttpServer, listen
from rookery_core.identity import Caller
from rookery_core.queue import Queue
from rookery_core.settings import CoreSettings
from rookery_github.cache.database import DatabaseStore
from rookery_github.cache.entry import CachedAnswer, Subject
from rookery_ingest.github import deliveries
from rookery_ingest.github.receiver import PATH, TOPIC, Receiver

SECRETS = (b"old", b"new")
CALLER = Caller(kind="agent")
PAYLOAD = {
    "action": "edited",
    "issue": {"number": 1, "title": "Exporter stalls"},
    "repository": {"full_name": "acme/widgets", "html_url": "https://github.com/acme/widgets"},
}


def signed(
    payload: Any, *, secret: bytes = b"new", delivery: str = "11111111-aaaa", event: str = "issues"
) -> dict[str, Any]:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    signature = "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()
    headers = {
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": delivery,
        "X-Hub-Signature-256": signature,
        "Content-Type": "application/json",
    }
    return {"data": body, "headers": headers}


@pytest_asyncio.fixture
async def queue(open_database: Any) -> Queue:
    return Queue(await open_database("rookery_ingest"))


@pytest_asyncio.fixture
async def web(open_database: Any, queue: Queue) -> AsyncIterator[ClientSession]:
    receiver = Receiver(await open_database("rookery_ingest"), queue, SECRETS, CALLER)
    server = HttpServer(receiver.application(), signals=False)
    listening = listen("127.0.0.1", 0)
    await server.start(listening)
    async with ClientSession(f"http://127.0.0.1:{listening.getsockname()[1]}") as client:
        yield client
    await server.close()


async def test_a_delivery_is_queued_once(web: ClientSession, queue: Queue) -> None:
    await queue.subscribe(TOPIC, "bot")
    first = await web.post(PATH, **signed(PAYLOAD))
    again = await web.post(PATH, **signed(PAYLOAD, secret=b"old"))
    assert (first.status, (await first.json())["status"]) == (202, "queued")
    assert (again.status, (await again.json())["status"]) == (202, "duplicate")


async def test_without_a_subscription_the_cache_learns_nevertheless(
    web: ClientSession, open_database: Any
) -> None:
    store = DatabaseStore(await open_database("rookery_github"), 10**6)
    answer = CachedAnswer(b"{}", {}, time.time(), time.time() + 3600)
    for key, number in (("aa" * 32, 1), ("bb" * 32, 2)):
        await store.save(Caller(), "me", key, Subject("github.com", "acme/widgets", number), answer)
    reply = await (await web.post(PATH, **signed(PAYLOAD))).json()
    assert reply == {"status": "not queued: nothing subscribes to topic github", "stale": 1}
    touched, other = await store.find(Caller(), "me", "aa" * 32), await store.find(Caller(), "me", "bb" * 32)
    assert touched is not None
    assert other is not None
    assert touched.fresh_until < time.time() < other.fresh_until


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (signed(PAYLOAD, secret=b"wrong"), 401),
        ({"data": b"{}", "headers": {"X-GitHub-Event": "issues", "X-GitHub-Delivery": "11111111"}}, 401),
        (signed(b"no json"), 400),
        (signed([1]), 400),
        (signed(PAYLOAD, delivery="x"), 400),
        (signed(PAYLOAD, event="'; drop"), 400),
        (signed({"zen": "x"}, event="ping"), 200),
    ],
)
async def test_what_is_not_signed_or_not_readable_is_refused(
    web: ClientSession, request_: dict[str, Any], status: int
) -> None:
    assert (await web.post(PATH, **request_)).status == status


async def test_a_payload_too_large_for_the_queue_is_left_out_not_lost(
    web: ClientSession, queue: Queue
) -> None:
    await queue.subscribe(TOPIC, "bot")
    large = {**PAYLOAD, "commits": ["x" * 1000] * 12_000}
    request = signed(large)
    reply = await web.post(PATH, data=io.BytesIO(request["data"]), headers=request["headers"])
    assert (reply.status, (await reply.json())["status"]) == (202, "queued")


@pytest.mark.parametrize(
    "odd",
    [
        {"issue": {"number": 10**30}, "repository": PAYLOAD["repository"]},
        {"issue": {"number": True}, "repository": {"full_name": ["x"], "html_url": "http://[::1"}},
        {"repository": {"full_name": "a\0/b\ud800", "html_url": {"x": 1}}},
        {"title": "nul \0 and half \ud800", "repository": PAYLOAD["repository"]},
        {"number": float("nan"), "action": {"deep": [[["x"]]]}},
        b'{"x": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
        b'{"n": ' + b"9" * 6000 + b"}",
    ],
    ids=range(7),
)
async def test_no_signed_body_is_an_error_of_the_receiver(web: ClientSession, queue: Queue, odd: Any) -> None:
    await queue.subscribe(TOPIC, "bot")
    async with web.post(PATH, **signed(odd)) as reply:
        assert reply.status in (202, 400)
    async with web.post(PATH, **signed(PAYLOAD, delivery="22222222-bbbb")) as reply:
        assert reply.status == 202


def test_the_role_that_receives_cannot_read_the_cache(owner_dsn: str) -> None:
    import asyncio

    import asyncpg

    async def attempt() -> None:
        connection = await asyncpg.connect(owner_dsn)
        try:
            await connection.execute("set role rookery_ingest")
            await connection.fetch("select body from github.answers")
        finally:
            await connection.close()

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        asyncio.run(attempt())


def test_forms_and_numbers_are_read() -> None:
    body = b"payload=%7B%22number%22%3A%207%2C%20%22pull_request%22%3A%20%7B%7D%7D"
    headers = {
        "X-GitHub-Event": "pull_request",
        "X-GitHub-Delivery": "11111111",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    assert deliveries.read(headers, body).number == 7


@given(st.binary(max_size=300))
def test_no_body_breaks_the_reader(body: bytes) -> None:
    headers = {
        "X-GitHub-Event": "issues",
        "X-GitHub-Delivery": "11111111",
        "Content-Type": "application/json",
    }
    try:
        deliveries.read(headers, body)
    except InvalidInput as error:
        assert "payload" in error.message


LISTEN = """
import argparse, sys
from rookery_ingest.github.commands import add_commands
parser = argparse.ArgumentParser()
add_commands(parser.add_subparsers())
arguments = parser.parse_args(sys.argv[1:])
sys.exit(arguments.run(arguments))
"""


def command(*arguments: str, **variables: str) -> subprocess.Popen[str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "XDG_DATA_HOME")}
    return subprocess.Popen(
        [sys.executable, "-c", LISTEN, "github", "listen", *arguments],
        env={**kept, **variables},
        stderr=subprocess.PIPE,
        text=True,
    )


def test_without_a_secret_nothing_is_received() -> None:
    with command() as process:
        _out, error = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "ROOKERY_GITHUB_WEBHOOK_SECRET is not set" in error


@pytest.mark.slow
def test_the_command_receives_until_it_is_stopped(settings: CoreSettings) -> None:
    assert settings.database_url
    port = str(free_port())
    variables = {
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "ROOKERY_GITHUB_WEBHOOK_SECRET": "new",
    }
    with command("--port", port, "--subscribe", "bot", **variables) as process:
        assert process.stderr is not None
        assert f"http://127.0.0.1:{port}{PATH}" in process.stderr.readline()
        sent = signed(PAYLOAD)
        request = urllib.request.Request(f"http://127.0.0.1:{port}{PATH}", sent["data"], sent["headers"])
        with urllib.request.urlopen(request) as answer:
            assert json.loads(answer.read())["status"] == "queued"
        process.terminate()
        assert process.wait(30) == 0
