"""The four servers of this installation, which are used when there is no mcp.json."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rookery_core.errors import ConfigurationError
from rookery_core.mcp.configuration import NamedServer, ServerEntry, read_servers
from rookery_core.telemetry import get_logger

if TYPE_CHECKING:
    from rookery.settings import AgentSettings

OWN_SERVERS = ("slack", "docs", "github", "memory")
logger = get_logger(__name__)


def configured_servers(settings: AgentSettings) -> list[NamedServer]:
    """The servers to use: of ROOKERY_MCP_CONFIG, else of ./mcp.json, else this installation's own."""
    path = settings.mcp_config
    if path is None and Path("mcp.json").is_file():
        path = Path("mcp.json")
        logger.info("using %s", path.resolve())
    if path is None:
        return own_servers()
    return [_recognised(server) for server in read_servers(path)]


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
    """An entry that runs one of our commands counts as ours, so that it gets Rookery's variables."""
    entry = server.entry
    words = [Path(entry.command or "").name.removesuffix(".exe"), *entry.args]
    for name in OWN_SERVERS:
        if f"rookery-{name}" in words or f"rookery_{name}" in words:
            audience = entry.audience or f"rookery-{name}"
            return NamedServer(server.name, entry.model_copy(update={"audience": audience}), own=True)
    return server
