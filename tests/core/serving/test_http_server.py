"""Clients that are slow, many, gone or ambiguous, over raw sockets."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from rookery_core.http_server import BufferedBody, ConnectionLimits, HttpServer, listen
from rookery_core.http_server.connections import MAX_CONNECTIONS, max_connections
from rookery_core.http_server.requests import header_problem

SHORT = ConnectionLimits(header_s=0.1, body_s=0.1, write_s=0.2, keep_alive_s=0.1, max_body_bytes=1000)
PATIENT = ConnectionLimits(header_s=20, body_s=20, write_s=20, keep_alive_s=20, max_connections=8)
WAIT_S = 5.0
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Application:
    """Echoes bodies; `/held` responds once `release` is set, `/large` sends more than a socket holds."""

    def __init__(self) -> None:
        self.release = asyncio.Event()
        self.held = asyncio.Semaphore(0)
        routes = [
            Route("/echo", self.echo, methods=["POST"]),
            Route("/held", self.hold),
            Route("/large", self.large),
        ]
        self.asgi = Starlette(routes=routes, middleware=[Middleware(BufferedBody, max_bytes=1000)])

    async def echo(self, request: Request) -> Response:
        return JSONResponse({"bytes": len(await request.body())})

    async def hold(self, _request: Request) -> Response:
        self.held.release()
        await self.release.wait()
        return PlainTextResponse("done")

    async def large(self, _request: Request) -> Response:
        return Response(bytes(20_000_000))


@asynccontextmanager
async def serving(limits: ConnectionLimits) -> AsyncGenerator[tuple[Application, int]]:
    application = Application()
    server = HttpServer(application.asgi, limits, signals=False)
    listening = listen("127.0.0.1", 0)
    await server.start(listening)
    port = listening.getsockname()[1]
    try:
        yield application, port
    finally:
        application.release.set()
        server.force_exit = True
        await server.close()


@asynccontextmanager
async def connection(port: int, sent: bytes = b"") -> AsyncGenerator[Streams]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(sent)
        yield reader, writer
    finally:
        writer.transport.abort()


async def until_closed(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(WAIT_S):
        try:
            return await reader.read()
        except ConnectionResetError:
            return b""


async def exchange(port: int, sent: bytes) -> bytes:
    async with connection(port, sent) as (reader, _):
        return await until_closed(reader)


def request(path: str = "/echo", body: bytes = b"{}", *headers: bytes) -> bytes:
    lines = [
        b"POST %s HTTP/1.1" % path.encode(),
        b"Host: localhost",
        b"Content-Length: %d" % len(body),
        *headers,
    ]
    return b"\r\n".join([*lines, b"", body])


CLOSE = b"Connection: close"


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        (b"", b""),
        (b"\r\n", b""),
        (b"GET /echo HT", b""),
        (b"POST /echo HTTP/1.1\r\nHost: local", b"HTTP/1.1 408"),
        (b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf", b"HTTP/1.1 408"),
        (b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", b"HTTP/1.1 408"),
        (request(), b'HTTP/1.1 200'),
    ],
    ids=["silent", "blank line", "half a line", "half the headers", "half the body", "half a chunk", "idle"],
)  # fmt: skip
async def test_a_connection_that_waits_for_its_client_is_closed(sent: bytes, answer: bytes) -> None:
    async with serving(SHORT) as (_, port):
        received = await exchange(port, sent)
    assert received.startswith(answer)
    if answer.endswith(b"408"):
        assert json.loads(received.partition(b"\r\n\r\n")[2])["code"] == "invalid_input"


async def test_bytes_that_trickle_in_do_not_extend_a_deadline() -> None:
    async with serving(SHORT) as (_, port), connection(port, b"POST /echo HTTP/1.1\r\n") as (reader, writer):
        closed = asyncio.create_task(until_closed(reader))
        while not closed.done():
            writer.write(b"X-More: 1\r\n")
            await asyncio.wait({closed}, timeout=0.02)
        assert closed.result().startswith(b"HTTP/1.1 408")


async def test_a_response_that_takes_long_is_not_cut_off() -> None:
    sent = b"GET /held HTTP/1.1\r\nHost: a\r\n\r\n"
    async with serving(SHORT) as (application, port), connection(port, sent) as (reader, _):
        await application.held.acquire()
        await asyncio.sleep(3 * SHORT.header_s)  # longer than each deadline of the client's
        application.release.set()
        assert (await until_closed(reader)).startswith(b"HTTP/1.1 200")


async def test_a_client_that_does_not_read_is_closed() -> None:
    async with serving(SHORT) as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        writer.write(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
        await asyncio.sleep(3 * SHORT.write_s)  # the reader pauses once it holds twice its limit
        assert len(await until_closed(reader)) < 20_000_000
        writer.close()


async def test_headers_have_a_size() -> None:
    async with serving(PATIENT) as (_, port):
        received = await exchange(port, b"GET /echo HTTP/1.1\r\nX: " + b"x" * 600_000)
    assert received.startswith(b"HTTP/1.1 431")


async def test_connections_that_wait_give_way_to_new_ones() -> None:
    async with serving(PATIENT) as (_, port), connections(port, 20) as waiting:
        assert (await exchange(port, request("/echo", b"{}", CLOSE))).startswith(b"HTTP/1.1 200")
        for reader, _ in waiting[:13]:  # those that had waited longest
            assert await until_closed(reader) == b""


@asynccontextmanager
async def connections(port: int, count: int, sent: bytes = b"") -> AsyncGenerator[list[Streams]]:
    streams = [await asyncio.open_connection("127.0.0.1", port) for _ in range(count)]
    for _, writer in streams:
        writer.write(sent)
    try:
        yield streams
    finally:
        for _, writer in streams:
            writer.transport.abort()


async def test_beyond_the_cap_of_requests_in_progress_a_client_is_asked_to_come_back() -> None:
    async with serving(PATIENT) as (application, port):
        async with connections(port, 8, b"GET /held HTTP/1.1\r\nHost: a\r\n\r\n") as busy:
            for _ in busy:
                await application.held.acquire()
            received = await exchange(port, request())
            assert received.startswith(b"HTTP/1.1 503")
            assert b"retry-after: 1\r\n" in received
            assert json.loads(received.partition(b"\r\n\r\n")[2])["code"] == "rate_limited"
            application.release.set()
            for reader, _ in busy:
                assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        assert (await exchange(port, request("/echo", b"{}", CLOSE))).startswith(b"HTTP/1.1 200")


async def test_half_sent_requests_beyond_the_cap_are_closed_in_time() -> None:
    limits = ConnectionLimits(header_s=0.3, max_connections=300)
    async with serving(limits) as (_, port), connections(port, 400, b"POST /echo HTTP/1.1\r\nHo") as half:
        answers = await asyncio.gather(*(until_closed(reader) for reader, _ in half))
    assert len(answers) == 400


async def test_a_client_that_leaves_during_an_upload_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="rookery")
    async with serving(PATIENT) as (_, port):
        async with connection(port, b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf"):
            await asyncio.sleep(0.05)
        async with asyncio.timeout(WAIT_S):
            while "incomplete" not in caplog.text:
                await asyncio.sleep(0.01)
    assert [
        record.exc_info for record in caplog.records if record.name.startswith(("rookery", "uvicorn"))
    ] == [None]


@pytest.mark.parametrize(
    "header",
    [b"Host: other", b"Authorization: Bearer a\r\nAuthorization: Bearer b", b"Content-Length: 2",
     "X-Slack-Signature: v0=é".encode(), b"X-Any: \xff"],
)  # fmt: skip
async def test_ambiguous_headers_are_refused(header: bytes) -> None:
    async with serving(PATIENT) as (_, port):
        received = await exchange(port, request("/echo", b"{}", header, CLOSE))
    assert received.startswith(b"HTTP/1.1 400")


async def test_a_body_has_a_size() -> None:
    async with serving(PATIENT) as (_, port):
        received = await exchange(port, request("/echo", b"x" * 1001, CLOSE))
    assert received.startswith(b"HTTP/1.1 413")


@given(
    st.lists(st.tuples(st.sampled_from([b"host", b"x-any", b"accept"]), st.binary(max_size=5)), max_size=6)
)
def test_only_ascii_and_one_host_pass(headers: list[tuple[bytes, bytes]]) -> None:
    acceptable = all(value.isascii() for _, value in headers)
    acceptable = acceptable and sum(name == b"host" for name, _ in headers) <= 1
    assert (header_problem(headers) is None) == acceptable


def test_the_cap_follows_the_limit_of_descriptors() -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
        assert max_connections() == 128
        assert ConnectionLimits().backlog == 64
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert max_connections() <= MAX_CONNECTIONS


def test_the_documented_limits_are_the_defaults() -> None:
    page = (Path(__file__).parents[3] / "docs" / "hosting.md").read_text(encoding="utf-8")
    limits = ConnectionLimits(max_connections=MAX_CONNECTIONS)
    for row in (
        f"| headers of a request | {limits.header_s:g} s, {limits.max_header_bytes} bytes |",
        f"| body of a request | {limits.body_s:g} s, {limits.max_body_bytes} bytes |",
        f"| a client that does not read its response | {limits.write_s:g} s |",
        f"| idle connection | {limits.keep_alive_s:g} s |",
        f"| open connections of a process | {limits.max_connections}, ",
    ):
        assert row in page
