"""Network addresses in the arguments of a tool call, in any notation.

Fetching an address sends what is written in it, and one that two readers understand differently leads one of
them elsewhere. So an address is found by where it stands as well as by its form.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from rookery_core.mcp.sources import trimmed

_SCHEMES = (
    "https?|wss?|ftps?|sftp|tftp|ssh|scp|git|smb|nfs|ldaps?|mailto|gopher|dict|telnet|rtsps?|s3|gs|imaps?|pop3s?|smtps?|"
    "redis|amqps?|mqtts?|postgres(?:ql)?|mysql|mongodb|tcp|udp|dns"
)
_NETWORK = re.compile(rf"(?:{_SCHEMES}):", re.IGNORECASE)
_IN_TEXT = re.compile(rf"\b(?:{_SCHEMES}):[/\\\\]{{1,3}}\S+", re.IGNORECASE)
_NAMES = re.compile(
    r"url|uri|link|href|host|domain|endpoint|webhook|address|server|site|proxy|callback|redirect|feed|origin",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"(?P<name>[a-z][a-z0-9+.-]*):(?!\d)(?P<rest>.*)", re.IGNORECASE | re.DOTALL)
_PARTS = re.compile(r"(?P<slashes>[/\\]*)(?P<authority>[^/\\?#]*)(?P<path>.*)", re.DOTALL)
_SPLIT = re.compile(r"[,;|]")
_HOST_AND_PATH = re.compile(r"(?:[\w-]+\.)+[^\W\d_]{2,24}\.?(?::\d+)?[/?]\S+")


def addresses(arguments: Mapping[str, Any]) -> Iterator[str]:
    """The addresses in the arguments, as URLs where they can be written so."""
    for name, text in _texts(arguments):
        if _NAMES.search(name):
            compact = re.sub(r"\s+", "", text)  # readers of addresses leave out line ends within them
            yield from (found for part in _SPLIT.split(compact) if (found := _address(part)))
        else:
            yield from (trimmed(found) for found in _IN_TEXT.findall(text))
            if _HOST_AND_PATH.fullmatch(text.strip()):
                yield f"https://{text.strip()}"


def _texts(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Every text in the arguments with the name that it goes by; names of objects are texts as well."""
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, Mapping):
        for key, part in cast(Mapping[str, Any], value).items():
            yield "", str(key)
            yield from _texts(part, f"{name} {key}")
    elif isinstance(value, list | tuple):
        for part in cast(Sequence[Any], value):
            yield from _texts(part, name)


def _address(value: str) -> str | None:
    """The address that a value stands for whose name asks for one; None for names, numbers and paths of files."""
    if _NETWORK.match(value):
        return trimmed(value)
    scheme = _SCHEME.fullmatch(value)
    if scheme and "." not in scheme["name"]:
        return None  # a resource of some server: sample://motto
    parts = _PARTS.fullmatch(value)
    assert parts is not None
    if len(parts["slashes"]) < 2 and not (
        not parts["slashes"] and _is_host(parts["authority"], parts["path"])
    ):
        return None
    return f"https://{parts['authority']}{parts['path']}"


def _is_host(authority: str, path: str) -> bool:
    host = authority.rpartition("@")[2]
    if host.startswith("["):
        return True
    labels = host.partition(":")[0].rstrip(".").split(".")
    if not all(labels):
        return False
    if all(re.fullmatch(r"\d+|0x[0-9a-f]+", label, re.IGNORECASE) for label in labels):
        return len(labels) == 4 or bool(path)
    return len(labels) > 1 or ":" in host
