"""Addresses of others: which pages belong to a site, and which hosts of a network a foreign page may make us connect to."""

from __future__ import annotations

import ipaddress
import posixpath
from dataclasses import dataclass
from typing import Literal
from urllib.parse import SplitResult, unquote, urlsplit

from rookery_core.errors import InvalidInput

_PORTS = {"http": 80, "https": 443}
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_METADATA = frozenset(
    ipaddress.ip_address(text)
    for text in ("169.254.169.254", "fd00:ec2::254", "100.100.100.200", "168.63.129.16", "192.0.0.192")
)
"""Where clouds give their machines identities, also those that look like any other address."""
_LOCAL_NAMES = ("localhost", "localhost.localdomain", "ip6-localhost")
_DECODINGS = 4
IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Reach = Literal["public", "private", "loopback", "link-local", "metadata", "reserved"]
"""Who can be reached at an address."""


class AddressRefused(InvalidInput):
    """An address is not fetched; the message is the reason."""


def parsed(url: str) -> SplitResult:
    """The parts of a URL that can be fetched. Raises AddressRefused."""
    try:
        parts = urlsplit(url)
        _ = parts.port
        host = parts.hostname
    except ValueError:
        raise AddressRefused(f"{url}: not a URL.") from None
    if parts.scheme not in _PORTS or not host:
        raise AddressRefused(f"{url}: not a URL of http or https.")
    if "@" in parts.netloc:
        raise AddressRefused(f"{parts.scheme}://{host}: a URL with a name or password is not fetched.")
    return parts


def host_of(url: str) -> tuple[str, int]:
    """The host, as it is compared, and the port of a URL. Raises AddressRefused."""
    parts = parsed(url)
    host = (parts.hostname or "").rstrip(".").lower()
    try:
        host = host if ":" in host or host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError:
        raise AddressRefused(f"{url}: {host!r} is not the name of a host.") from None
    return host, parts.port or _PORTS[parts.scheme]


def segments(path: str) -> tuple[str, ...]:
    """The segments of a path as any server could understand it: decoded, without dots, empty segments and backslashes."""
    for _ in range(_DECODINGS):
        decoded = unquote(path)
        if decoded == path:
            break
        path = decoded
    plain = posixpath.normpath("/" + path.replace("\\", "/"))
    return tuple(part for part in plain.split("/") if part)


@dataclass(frozen=True, slots=True)
class Scope:
    """A host and the path of it that pages must be below."""

    scheme: str
    host: str
    port: int
    below: tuple[str, ...] = ()

    @classmethod
    def of(cls, url: str, *, whole_host: bool = False) -> Scope:
        """Everything below a URL, or all of its host. Raises AddressRefused."""
        parts = parsed(url)
        return cls(parts.scheme, *host_of(url), () if whole_host else segments(parts.path))

    def same_host(self, url: str) -> bool:
        """Whether a URL is of this host; https may follow on http, not the other way round."""
        try:
            scheme, (host, port) = parsed(url).scheme, host_of(url)
        except AddressRefused:
            return False
        if host != self.host:
            return False
        if scheme == self.scheme:
            return port == self.port
        return (self.scheme, self.port, scheme, port) == ("http", 80, "https", 443)

    def holds(self, url: str) -> bool:
        """Whether a URL is of this host and below the path, by whole segments."""
        return self.same_host(url) and segments(parsed(url).path)[: len(self.below)] == self.below


def reach(address: IPAddress) -> Reach:
    """Who can be reached at an address, also through an IPv6 address that holds one of IPv4."""
    address = _unwrapped(address)
    if address in _METADATA:
        return "metadata"
    if address.is_loopback or address.is_unspecified:
        return "loopback"
    if address.is_link_local:
        return "link-local"
    if address.is_multicast or address.is_reserved:
        return "reserved"
    return "public" if address.is_global else "private"


def literal_reach(host: str) -> Reach | None:
    """The reach of a host that is written as an address or as localhost; None for a name."""
    if host in _LOCAL_NAMES or host.endswith(".localhost"):
        return "loopback"
    try:
        return reach(ipaddress.ip_address(host.partition("%")[0]))
    except ValueError:
        return None


def _unwrapped(address: IPAddress) -> IPAddress:
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    inner = address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)
    return inner or address
