"""The four servers of this installation, which are used when there is no mcp.json."""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rookery_core.errors import ConfigurationError
from rookery_core.mcp.configuration import NamedServer, ServerEntry, read_servers
from rookery_core.telemetry import get_logger
from rookery_core.trust import require_trusted

if TYPE_CHECKING:
    from rookery.settings import AgentSettings

OWN_SERVERS = ("slack", "docs", "github", "memory")
BOT_TOKEN = "ROOKERY_BOT_TOKEN"  # noqa: S105 the name of a variable
_OUR_TOKEN = re.compile(r"\brk_[A-Za-z0-9_-]{20,}")
logger = get_logger(__name__)


def configured_servers(settings: AgentSettings, *, for_many: bool = False) -> list[NamedServer]:
    """The servers to use: of ROOKERY_MCP_CONFIG, else of ./mcp.json, else this installation's own.

    for_many: the program answers many people (the Slack bot). Raises ConfigurationError for a server that would take
    every question for one of the holder of its token, and for a ./mcp.json that is not trusted.
    """
    path = settings.mcp_config
    if path is None and Path("mcp.json").is_file():
        path = Path("mcp.json")
        require_trusted(path)
        logger.info("using %s", path.resolve())
    if path is None:
        return own_servers()
    servers = [_recognised(server) for server in read_servers(path)]
    if for_many or settings.context_key:
        require_audiences(servers, source=str(path))
    if for_many and settings.context_key is None:
        _require_context_key(servers, source=str(path))
    return servers


def require_audiences(
    servers: Sequence[NamedServer], environment: Mapping[str, str] = os.environ, *, source: str = "mcp.json"
) -> None:
    """Raises ConfigurationError for a server that gets a token of Rookery and does not learn who asks.

    It would answer every question with what the holder of the token may see.
    """
    for server in servers:
        if server.entry.audience is None and _gets_our_token(server, environment):
            raise ConfigurationError(
                f"{source}: server {server.name!r} gets a token of Rookery's and no audience: every question would be "
                "answered with what the holder of that token may see.",
                hint='Add "audience": the name of the server, one of '
                f"{', '.join(f'rookery-{name}' for name in OWN_SERVERS)}.",
            )


def _require_context_key(servers: Sequence[NamedServer], *, source: str) -> None:
    for server in servers:
        if server.entry.url is not None and server.entry.audience is not None:
            raise ConfigurationError(
                f"{source}: server {server.name!r} checks who asks, and ROOKERY_CONTEXT_KEY is not set.",
                hint="Set ROOKERY_CONTEXT_KEY to the value that the server has.",
            )


def _gets_our_token(server: NamedServer, environment: Mapping[str, str]) -> bool:
    token = environment.get(BOT_TOKEN)
    return any(_OUR_TOKEN.search(text) or (token and token in text) for text in _handed_over(server))


def _handed_over(server: NamedServer) -> Iterator[str]:
    """Every text of the entry that the server, or a program in front of it, receives."""
    entry = server.entry
    yield from (entry.url or "", entry.command or "")
    yield from (*entry.args, *entry.headers.values(), *entry.env.values())


def own_servers() -> list[NamedServer]:
    """Those of the four that are installed, started by this Python. They are found, not imported."""
    found = [own_server(name) for name in OWN_SERVERS if importlib.util.find_spec(f"rookery_{name}")]
    if not found:
        raise ConfigurationError(
            "None of Rookery's servers is installed, and there is no mcp.json.",
            hint="Install rookery-slack, rookery-docs, rookery-github or rookery-memory, or write an mcp.json.",
        )
    return found


def own_server(name: str) -> NamedServer:
    """One of the four, over stdio."""
    entry = ServerEntry(
        command=sys.executable,
        args=("-m", f"rookery_{name}"),
        audience=f"rookery-{name}",
        internal_only=name in ("github", "memory"),
    )
    return NamedServer(name, entry, own=True)


def _recognised(server: NamedServer) -> NamedServer:
    """An entry that runs one of our commands, or has the audience of one of our servers, counts as ours.

    Only a command that we start gets Rookery's variables.
    """
    name = _own_name(server)
    if name is None:
        return server
    entry = server.entry
    audience = entry.audience or f"rookery-{name}"
    return NamedServer(server.name, entry.model_copy(update={"audience": audience}), own=True)


def _own_name(server: NamedServer) -> str | None:
    entry = server.entry
    words = [Path(entry.command or "").name.removesuffix(".exe"), *entry.args]
    for name in OWN_SERVERS:
        if f"rookery-{name}" in words or f"rookery_{name}" in words:
            return name
        if entry.url is not None and entry.audience == f"rookery-{name}":
            return name
    return None
