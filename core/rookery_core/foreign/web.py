"""The only fetcher of addresses that others hand in: pages, and what they redirect to.

Each redirect is checked as the first address was. The name of a host is resolved here, the addresses are checked, and the
connection is made to a checked one, so that a name cannot change its address in between.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
import urllib.request
import zlib
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import Any, cast
from urllib.parse import urljoin

import httpcore2
import httpx2

from rookery_core.errors import InvalidInput, Unavailable
from rookery_core.foreign.addresses import (
    AddressRefused,
    IPAddress,
    Reach,
    Scope,
    host_of,
    literal_reach,
    parsed,
    reach,
)
from rookery_core.foreign.files import too_large
from rookery_core.foreign.limits import (
    CONNECT_TIMEOUT_S,
    FETCH_TIMEOUT_S,
    MAX_BODY_BYTES,
    MAX_REDIRECTS,
    READ_TIMEOUT_S,
)

_REDIRECTS = (301, 302, 303, 307, 308)
_CONDITIONS = ("if-none-match", "if-modified-since")
_ENCODINGS = {"gzip": 31, "x-gzip": 31, "deflate": 47}
"""Encodings that are understood, with what zlib calls them."""


class PageFailed(InvalidInput):
    """A page cannot be had; the message is the reason."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a URL answered. url: after redirects. charset: as the header names it."""

    status: int
    url: str
    data: bytes = b""
    content_type: str = ""
    charset: str | None = None
    etag: str | None = None
    last_modified: datetime | None = None
    retry_after: str | None = None
    location: str | None = None


Hop = Callable[[str, Mapping[str, str]], Awaitable[Fetched]]
"""Fetches one address without following where it leads."""


class Fetcher:
    """Fetches over HTTP. Hosts that an operator named may be private or local; hosts that a page named must be public."""

    def __init__(self, user_agent: str, *, max_body_bytes: int = MAX_BODY_BYTES) -> None:
        self._max_body_bytes = max_body_bytes
        self._guard = _Guard()
        timeout = httpx2.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
        headers = {"User-Agent": user_agent, "Accept-Encoding": "gzip, deflate"}
        self._client = httpx2.AsyncClient(
            transport=_Transport(self._guard),
            timeout=timeout,
            headers=headers,
            follow_redirects=False,
            trust_env=False,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def name(self, url: str) -> None:
        """Take a URL as named by the operator: its host may be what it is, also private. Raises AddressRefused."""
        self._guard.named.add(host_of(url))

    async def get(
        self, url: str, headers: Mapping[str, str], *, scope: Scope | None, hop: Hop | None = None
    ) -> Fetched:
        """Fetch a URL and follow its redirects within a scope; None: to any host. Raises AddressRefused, PageFailed, Unavailable.

        The conditions of a request are for its first address only.
        """
        hop = hop or self.request
        seen = {url}
        current = url
        for _ in range(MAX_REDIRECTS + 1):
            if scope is not None and not scope.holds(current):
                raise AddressRefused(f"{url}: leads out of what is read, to {current}.")
            answer = await hop(current, headers)
            if answer.status not in _REDIRECTS or not answer.location:
                return answer
            current = _joined(current, answer.location)
            headers = {name: value for name, value in headers.items() if name.lower() not in _CONDITIONS}
            if current in seen:
                raise PageFailed(f"{url}: redirects in a loop.")
            seen.add(current)
        raise PageFailed(f"{url}: redirects more than {MAX_REDIRECTS} times.")

    async def request(
        self, url: str, headers: Mapping[str, str], timeout_s: float = FETCH_TIMEOUT_S
    ) -> Fetched:
        """Fetch one address and follow nothing. Raises AddressRefused, PageFailed, Unavailable (worth another try)."""
        parsed(url)
        try:
            async with asyncio.timeout(timeout_s), self._client.stream("GET", url, headers=headers) as answer:
                data = await self._body(url, answer) if answer.is_success else b""
                return _fetched(url, answer, data)
        except TimeoutError:
            raise PageFailed(f"{url}: not done within {timeout_s:g} s.") from None
        except _Refusal as refusal:
            raise AddressRefused(f"{url}: {refusal}") from None
        except httpx2.TransportError as error:
            raise Unavailable(f"{url}: not reachable ({type(error).__name__}).") from None
        except (httpx2.HTTPError, httpx2.InvalidURL, UnicodeError, ValueError) as error:
            raise PageFailed(f"{url}: cannot be fetched ({type(error).__name__}).") from None

    async def _body(self, url: str, answer: httpx2.Response) -> bytes:
        """The body, unpacked here: never more of it than is taken."""
        encoding = answer.headers.get("Content-Encoding", "identity").strip().lower()
        if encoding not in (*_ENCODINGS, "identity", ""):
            raise PageFailed(f"{url}: sent in an unknown encoding ({encoding[:40]}).")
        unpacker = zlib.decompressobj(_ENCODINGS[encoding]) if encoding in _ENCODINGS else None
        parts: list[bytes] = []
        left = self._max_body_bytes
        async for packed in answer.aiter_raw():
            try:
                part = packed if unpacker is None else unpacker.decompress(packed, left + 1)
            except zlib.error:
                raise PageFailed(f"{url}: its {encoding} is damaged.") from None
            left -= len(part)
            if left < 0:
                raise PageFailed(f"{url}: {too_large(self._max_body_bytes)}.")
            parts.append(part)
        return b"".join(parts)


class _Refusal(Exception):
    """Why no connection is made; raised inside the client and turned into AddressRefused outside of it."""


class _Guard(httpcore2.AsyncNetworkBackend):
    """Makes connections to checked addresses only."""

    def __init__(self) -> None:
        self.named: set[tuple[str, int]] = set()
        self._backend = cast("httpcore2.AsyncNetworkBackend", httpcore2.AnyIOBackend())
        self._private_named = False

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Resolve, check, connect to the first checked address that answers."""
        addresses = await self.checked(host, port)
        for place, address in enumerate(addresses):
            try:
                return await self._backend.connect_tcp(address, port, timeout, local_address, socket_options)
            except httpcore2.ConnectError:
                if place == len(addresses) - 1:
                    raise
        raise httpcore2.ConnectError(f"{host} has no address")

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore2.AsyncNetworkStream:
        raise _Refusal("a socket of this machine is not fetched.")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def checked(self, host: str, port: int) -> list[str]:
        """The addresses of a host, where all of them may be connected to. Raises _Refusal, ConnectError."""
        name = host.rstrip(".").lower()
        literal = _literal(name)
        if literal is not None:
            self._check(name, port, reach(literal))
            return [name]
        try:
            rows = await asyncio.get_running_loop().getaddrinfo(name, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise httpcore2.ConnectError(f"{host} has no address") from None
        addresses = list(dict.fromkeys(str(row[4][0]) for row in rows))
        for address in addresses:
            self._check(name, port, reach(ipaddress.ip_address(address.partition("%")[0])))
        return addresses

    def _check(self, host: str, port: int, found: Reach) -> None:
        if found == "public":
            return
        is_named = (host, port) in self.named
        if found == "private" and (is_named or self._private_named):
            # the site of an intranet may send on to another name of the same intranet
            self._private_named = True
            return
        if is_named and literal_reach(host) == found:
            return
        hint = " Name the address itself to read it." if is_named else ""
        raise _Refusal(f"{host} is a {found} address, which is not fetched.{hint}")


def _literal(host: str) -> IPAddress | None:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None


class _Transport(httpx2.AsyncBaseTransport):
    """Connects itself, or through the proxy of the environment, which resolves names in our place."""

    def __init__(self, guard: _Guard) -> None:
        self._guard = guard
        self._direct = _GuardedTransport(guard)
        self._proxies: dict[str, httpx2.AsyncHTTPTransport] = {}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request the way that the environment has for its host."""
        url = request.url
        proxies = urllib.request.getproxies()
        proxy = proxies.get(url.scheme) or proxies.get("all")
        if not proxy or literal_reach(url.host) or urllib.request.proxy_bypass(url.host):
            return await self._direct.handle_async_request(request)
        with suppress(httpcore2.ConnectError):  # a name that only the proxy can resolve
            await self._guard.checked(url.host, url.port or (443 if url.scheme == "https" else 80))
        if proxy not in self._proxies:
            self._proxies[proxy] = httpx2.AsyncHTTPTransport(proxy=proxy)
        return await self._proxies[proxy].handle_async_request(request)

    async def aclose(self) -> None:
        for transport in (self._direct, *self._proxies.values()):
            await transport.aclose()


class _GuardedTransport(httpx2.AsyncHTTPTransport):
    """httpx's transport over connections that the guard makes."""

    def __init__(self, guard: _Guard) -> None:
        super().__init__()
        context: ssl.SSLContext = httpx2.create_ssl_context()
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=context, max_connections=20, max_keepalive_connections=10, network_backend=guard
        )


def _joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location).partition("#")[0]
    except ValueError:
        raise PageFailed(f"{url}: redirects to what is not a URL.") from None


def _fetched(url: str, answer: httpx2.Response, data: bytes) -> Fetched:
    message = Message()
    message["Content-Type"] = answer.headers.get("Content-Type", "")
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return Fetched(
        answer.status_code,
        url,
        data,
        kind,
        message.get_content_charset(),
        answer.headers.get("ETag"),
        parse_date(answer.headers.get("Last-Modified")),
        answer.headers.get("Retry-After"),
        answer.headers.get("Location"),
    )


def parse_date(text: str | None) -> datetime | None:
    """A date of HTTP or of a sitemap; None for what is none."""
    if not text:
        return None
    try:
        at = parsedate_to_datetime(text) if "," in text else datetime.fromisoformat(text.strip())
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
