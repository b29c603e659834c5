"""The fetcher of foreign addresses: who is connected to, what belongs to a site, and what a server can send to stop it."""

from __future__ import annotations

import asyncio
import gzip
import ipaddress
import socket
import zlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rookery_core.errors import RookeryError, Unavailable
from rookery_core.foreign import web
from rookery_core.foreign.addresses import AddressRefused, Scope, host_of, reach, segments
from rookery_core.foreign.web import Fetched, Fetcher, PageFailed

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=Shift_JIS\r\nConnection: close\r\n"


@asynccontextmanager
async def serving(answer: bytes | Answer) -> AsyncGenerator[int]:
    """A server that sends just this to everybody."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        try:
            if isinstance(answer, bytes):
                writer.write(answer)
                await writer.drain()
            else:
                await answer(writer)
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def fetched(url: str, *, named: bool = True, timeout_s: float = 20, **options: Any) -> Fetched:
    fetcher = Fetcher("test", **options)
    try:
        if named:
            fetcher.name(url)
        return await fetcher.request(url, {}, timeout_s)
    finally:
        await fetcher.close()


def resolve_to_this_machine(monkeypatch: pytest.MonkeyPatch, only: tuple[str, ...] = ()) -> list[str]:
    """Every name becomes one of this machine, or only these and the others are unknown; the answer is what was asked for."""
    resolve, asked = socket.getaddrinfo, list[str]()

    def resolved(host: str, *more: Any, **named: Any) -> Any:
        asked.append(host)
        if only and host not in only:
            raise socket.gaierror("unknown")
        return resolve("127.0.0.1", *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    return asked


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("127.0.0.1", "loopback"), ("0.0.0.0", "loopback"), ("::1", "loopback"), ("::", "loopback"),
        ("10.1.2.3", "private"), ("172.16.0.1", "private"), ("192.168.1.1", "private"), ("100.64.0.1", "private"),
        ("fd00::1", "private"), ("169.254.1.1", "link-local"), ("fe80::1", "link-local"),
        ("169.254.169.254", "metadata"), ("fd00:ec2::254", "metadata"), ("100.100.100.200", "metadata"),
        ("168.63.129.16", "metadata"), ("224.0.0.1", "reserved"), ("240.0.0.1", "reserved"),
        ("::ffff:127.0.0.1", "loopback"), ("::ffff:169.254.169.254", "metadata"), ("64:ff9b::7f00:1", "loopback"),
        ("2002:7f00:1::", "loopback"), ("64:ff9b::a9fe:a9fe", "metadata"), ("93.184.216.34", "public"),
        ("2606:4700::1111", "public"),
    ],
)  # fmt: skip
def test_who_is_reached_at_an_address(address: str, expected: str) -> None:
    assert reach(ipaddress.ip_address(address)) == expected


@pytest.mark.parametrize(
    "url",
    [
        "https://docs.example/docs", "https://docs.example/docs/", "https://DOCS.example.:443/docs/a?b=/../c#d",
        "https://docs.example/docs/a/../b", "https://docs.example//docs/./a", "https://docs.example/docs/..a",
    ],
)  # fmt: skip
def test_what_is_below_a_start(url: str) -> None:
    assert Scope.of("https://docs.example/docs/").holds(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://docs.example/docsevil/x", "https://docs.example/", "https://docs.example/docs/../../other",
        "https://docs.example/docs/..", "https://docs.example/docs/%2e%2e/x", "https://docs.example/docs/%252e%252e/x",
        "https://docs.example/docs/..%2f..%2fx", "https://docs.example/docs\\..\\x", "https://docs.example/Docs/x",
        "https://docs.example.evil/docs/x", "https://evil/docs/", "https://docs.example@evil/docs/",
        "https://user@docs.example/docs/", "http://docs.example/docs/", "https://docs.example:8443/docs/",
        "ftp://docs.example/docs/", "https:///docs/", "https://docs.example:x/docs/", "https://[/docs/", "", "docs/x",
    ],
)  # fmt: skip
def test_what_is_not_below_a_start(url: str) -> None:
    assert not Scope.of("https://docs.example/docs/").holds(url)


def test_https_may_follow_on_http_at_the_usual_ports() -> None:
    assert Scope.of("http://docs.example/").holds("https://docs.example/x")
    assert not Scope.of("http://docs.example:8080/").holds("https://docs.example/x")
    assert host_of("https://b\N{LATIN SMALL LETTER U WITH DIAERESIS}cher.example/") == (
        "xn--bcher-kva.example",
        443,
    )


@given(st.text(max_size=60))
def test_no_path_leaves_its_root(path: str) -> None:
    assert not {"..", ".", ""} & set(segments("/docs/" + path))


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "169.254.169.254", "10.0.0.1", "[::ffff:7f00:1]"]
)
async def test_addresses_that_are_not_public_are_refused_unless_named(host: str) -> None:
    with pytest.raises(AddressRefused, match="address, which is not fetched"):
        await fetched(f"http://{host}:1/", named=False)


@pytest.mark.parametrize("name", ["evil.example", "127.1", "0x7f000001", "2130706433"])
async def test_a_name_that_resolves_to_this_machine_is_refused_also_when_named(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    resolve_to_this_machine(monkeypatch)
    for named in (True, False):
        with pytest.raises(AddressRefused, match="loopback"):
            await fetched(f"http://{name}:1/", named=named)


async def test_another_port_of_a_named_local_address_is_refused() -> None:
    async with serving(HEAD + b"\r\nok") as port:
        fetcher = Fetcher("test")
        fetcher.name("http://127.0.0.1:1/")
        with pytest.raises(AddressRefused):
            await fetcher.request(f"http://127.0.0.1:{port}/", {})
        fetcher.name(f"http://127.0.0.1:{port}/")
        assert (await fetcher.request(f"http://127.0.0.1:{port}/", {})).data == b"ok"
        await fetcher.close()


async def test_the_connection_is_made_to_the_address_that_was_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A name that changes its address after the check gains nothing: it is resolved once a connection."""
    asked = resolve_to_this_machine(monkeypatch)

    def public(address: object) -> str:
        return "public"

    monkeypatch.setattr(web, "reach", public)
    async with serving(HEAD + b"\r\nok") as port:
        assert (await fetched(f"http://rebinding.example:{port}/", named=False)).data == b"ok"
    assert asked.count("rebinding.example") == 1


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "identity"])
async def test_a_body_is_unpacked_here_and_its_size_is_bounded(encoding: str) -> None:
    pack = {"gzip": gzip.compress, "deflate": zlib.compress, "identity": bytes}[encoding]
    head = HEAD + f"Content-Encoding: {encoding}\r\n\r\n".encode()
    async with serving(head + pack(b"text" * 100)) as port:
        answer = await fetched(f"http://127.0.0.1:{port}/")
        assert (answer.data, answer.charset, answer.content_type) == (b"text" * 100, "shift_jis", "text/html")
    async with serving(head + pack(bytes(3_000_000))) as port:
        with pytest.raises(PageFailed, match="larger than 1 MB"):
            await fetched(f"http://127.0.0.1:{port}/", max_body_bytes=1_000_000)


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "gzip"])
async def test_what_cannot_be_unpacked_ends_the_page(encoding: str) -> None:
    async with serving(HEAD + f"Content-Encoding: {encoding}\r\n\r\nnonsense".encode()) as port:
        with pytest.raises(PageFailed):
            await fetched(f"http://127.0.0.1:{port}/")


async def test_a_body_that_never_ends_ends_the_page() -> None:
    ended = asyncio.Event()

    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"\r\n")
        await writer.drain()
        await asyncio.wait_for(ended.wait(), 20)

    async with serving(drip) as port:
        with pytest.raises(PageFailed, match="not done within"):
            await fetched(f"http://127.0.0.1:{port}/", timeout_s=0.2)
        ended.set()


@pytest.mark.parametrize(
    "answer",
    [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx", b"HTTP/1.1 99999 x\r\n\r\n"],
)
async def test_what_is_no_http_is_one_of_our_errors(answer: bytes) -> None:
    async with serving(answer) as port:
        with pytest.raises((Unavailable, PageFailed)):
            await fetched(f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize(
    "location",
    [
        b"//[",
        b"http://[::1",
        b"http://\xff\xfe/",
        b"javascript:x",
        b"file:///etc/passwd",
        b"",
        b"http://a b/",
        b"/x",
    ],
)
async def test_no_location_ends_in_a_foreign_error(location: bytes) -> None:
    async with serving(b"HTTP/1.1 302 x\r\nLocation: " + location + b"\r\nConnection: close\r\n\r\n") as port:
        fetcher = Fetcher("test")
        url = f"http://127.0.0.1:{port}/"
        fetcher.name(url)
        try:
            answer = await fetcher.get(url, {}, scope=Scope.of(url))
            assert answer.status == 302 and not answer.location
        except RookeryError:
            pass
        await fetcher.close()


async def test_the_proxy_of_the_environment_is_used_and_local_addresses_are_not_asked_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with serving(HEAD + b"\r\nby proxy") as port:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("no_proxy", "")

        resolve_to_this_machine(monkeypatch, only=("localhost", "127.0.0.1"))
        assert (await fetched("http://docs.example/", named=False)).data == b"by proxy"
        for host in ("169.254.169.254", "localhost", "127.0.0.1"):
            with pytest.raises(AddressRefused):
                await fetched(f"http://{host}/", named=False)
