"""The MCP clients that `rookery install` knows: where each keeps its servers, and how it writes one.

The forms are those of the clients' own documentation. A client that expands references to variables gets no secret in
its file: `reference` writes one.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Entry = dict[str, Any]
TOKEN_INPUT = "rookery-token"  # noqa: S105 the name of an input field
PROXY = "npx"


@dataclass(frozen=True, slots=True)
class Local:
    """A server that the client starts. env: values as they are. passed: names of variables that keep their value."""

    command: str
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    passed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hosted:
    """A server over HTTP. token: the name of the variable with the token. secret: its value, for clients that cannot refer to it."""

    server: str
    url: str
    token: str | None = None
    secret: str | None = None

    def bearer(self, reference: Callable[[str], str] | None) -> str:
        """The value of the Authorization header."""
        if reference is not None:
            return f"Bearer {reference(self.token or '')}"
        return f"Bearer {self.secret or f'PUT-{self.token}-HERE'}"


@dataclass(frozen=True, slots=True)
class Client:
    """name: as its makers write it. place: where the file is, for people. key: the member that holds the servers.

    reference: how a variable is referred to; None: the client cannot. url_key: None where only commands are supported,
    so that a hosted server goes through the program mcp-remote.
    """

    name: str
    place: str
    path: Callable[[], Path]
    key: str = "mcpServers"
    form: Literal["json", "toml", "yaml"] = "json"
    reference: Callable[[str], str] | None = None
    type_key: tuple[str, str] | None = None
    url_key: str | None = "url"

    def entry(self, name: str, server: Local | Hosted) -> Entry:
        """The server as this client writes it."""
        if isinstance(server, Local):
            return self.local(name, server)
        return self.hosted(name, server)

    def local(self, _name: str, server: Local) -> Entry:
        """A command, its arguments and its variables."""
        env = dict(server.env)
        if self.reference is not None:
            env |= {name: self.reference(name) for name in server.passed}
        entry: Entry = {"type": self.type_key[0]} if self.type_key else {}
        entry |= {"command": server.command, "args": list(server.args)}
        return {**entry, "env": env} if env else entry

    def hosted(self, _name: str, server: Hosted) -> Entry:
        """An address with the token as a header."""
        if self.url_key is None:
            return _through_proxy(server)
        entry: Entry = {"type": self.type_key[1]} if self.type_key else {}
        entry[self.url_key] = server.url
        if server.token:
            entry["headers"] = {"Authorization": server.bearer(self.reference)}
        return entry

    def more(self, _servers: list[Local | Hosted]) -> dict[str, list[Entry]]:
        """Lists beside the servers, to which objects with an `id` are added."""
        return {}


def _through_proxy(server: Hosted) -> Entry:
    """The npm package mcp-remote, for clients that start commands only. Its header has no space, its variable may."""
    args = ["-y", "mcp-remote", server.url]
    if server.url.startswith("http://"):
        args.append("--allow-http")
    if not server.token:
        return {"command": PROXY, "args": args}
    return {
        "command": PROXY,
        "args": [*args, "--header", "Authorization:${ROOKERY_AUTHORIZATION}"],
        "env": {"ROOKERY_AUTHORIZATION": server.bearer(None)},
    }


class _VSCode(Client):
    """Asks for the token once and keeps it in the editor's own store."""

    def hosted(self, name: str, server: Hosted) -> Entry:
        entry = super().hosted(name, server)
        if server.token:
            entry["headers"] = {"Authorization": f"Bearer ${{input:{TOKEN_INPUT}}}"}
        return entry

    def more(self, servers: list[Local | Hosted]) -> dict[str, list[Entry]]:
        if not any(isinstance(server, Hosted) and server.token for server in servers):
            return {}
        asked = {
            "type": "promptString",
            "id": TOKEN_INPUT,
            "description": "Token for Rookery",
            "password": True,
        }
        return {"inputs": [asked]}


class _Codex(Client):
    """Names variables instead of referring to them, and refuses keys that it does not know."""

    def local(self, _name: str, server: Local) -> Entry:
        entry: Entry = {"command": server.command, "args": list(server.args)}
        if server.passed:
            entry["env_vars"] = list(server.passed)
        return {**entry, "env": dict(server.env)} if server.env else entry

    def hosted(self, _name: str, server: Hosted) -> Entry:
        return {"url": server.url, **({"bearer_token_env_var": server.token} if server.token else {})}


class _Goose(Client):
    """Has words of its own for everything; reads the names of env_keys from its keyring or its environment."""

    def local(self, name: str, server: Local) -> Entry:
        return {
            **self._head(name, "stdio"),
            "cmd": server.command,
            "args": list(server.args),
            "envs": dict(server.env),
            "env_keys": list(server.passed),
        }

    def hosted(self, name: str, server: Hosted) -> Entry:
        headers = {"Authorization": server.bearer(self.reference)} if server.token else {}
        keys = [server.token] if server.token else []
        return {
            **self._head(name, "streamable_http"),
            "uri": server.url,
            "headers": headers,
            "envs": {},
            "env_keys": keys,
        }

    def _head(self, name: str, kind: str) -> Entry:
        return {"enabled": True, "type": kind, "name": name, "description": name, "timeout": 300}


class _Rookery(Client):
    """The agent's own mcp.json: the audience makes it sign for whom it asks a hosted server."""

    def local(self, name: str, server: Local) -> Entry:
        return {**super().local(name, server), **_internal(name)}

    def hosted(self, name: str, server: Hosted) -> Entry:
        return {**super().hosted(name, server), "audience": f"rookery-{server.server}", **_internal(name)}


def _internal(name: str) -> Entry:
    return {"internal_only": True} if name in ("rookery-github", "rookery-memory") else {}


def _application_data(*windows: str) -> Path:
    return Path(os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming", *windows)


def _configuration_home() -> Path:
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")


def _claude_desktop() -> Path:
    name = "claude_desktop_config.json"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "Claude" / name
    if sys.platform == "win32":
        return _application_data("Claude", name)
    return _configuration_home() / "Claude" / name


def _zed() -> Path:
    if sys.platform == "win32":
        return _application_data("Zed", "settings.json")
    home = Path.home() / ".config" if sys.platform == "darwin" else _configuration_home()
    return home / "zed" / "settings.json"


def _goose() -> Path:
    if sys.platform == "win32":
        return _application_data("Block", "goose", "config", "config.yaml")
    return Path.home() / ".config" / "goose" / "config.yaml"


def _cline() -> Path:
    """The file of the command line, else that of the extension in VS Code where it is there."""
    named = os.environ.get("CLINE_MCP_SETTINGS_PATH")
    shared = Path.home() / ".cline" / "data" / "settings" / "cline_mcp_settings.json"
    if sys.platform == "darwin":
        user = Path.home() / "Library" / "Application Support" / "Code" / "User"
    else:
        user = (_application_data() if sys.platform == "win32" else _configuration_home()) / "Code" / "User"
    extension = user / "globalStorage" / "saoudrizwan.claude-dev" / "settings" / "cline_mcp_settings.json"
    return Path(named) if named else extension if extension.exists() and not shared.exists() else shared


def _home(*names: str) -> Callable[[], Path]:
    return lambda: Path.home().joinpath(*names)


def _here(*names: str) -> Callable[[], Path]:
    return lambda: Path.cwd().joinpath(*names)


def _braces(name: str) -> str:
    return f"${{{name}}}"


def _env_braces(name: str) -> str:
    return f"${{env:{name}}}"


CLIENTS: dict[str, Client] = {
    "claude-desktop": Client(
        "Claude Desktop",
        "claude_desktop_config.json (Settings, Developer, Edit Config; then restart it)",
        _claude_desktop,
        url_key=None,
    ),
    "claude-code": Client(
        "Claude Code",
        ".mcp.json in the folder of your project",
        _here(".mcp.json"),
        reference=_braces,
        type_key=("stdio", "http"),
    ),
    "cursor": Client(
        "Cursor",
        "~/.cursor/mcp.json, or .cursor/mcp.json in a project",
        _home(".cursor", "mcp.json"),
        reference=_env_braces,
    ),
    "vscode": _VSCode(
        "VS Code",
        ".vscode/mcp.json in the folder of your project",
        _here(".vscode", "mcp.json"),
        key="servers",
        reference=_env_braces,
        type_key=("stdio", "http"),
    ),
    "codex": _Codex(
        "Codex",
        "~/.codex/config.toml",
        lambda: Path(os.environ.get("CODEX_HOME") or Path.home() / ".codex") / "config.toml",
        key="mcp_servers",
        form="toml",
        reference=_braces,
    ),
    "gemini": Client(
        "Gemini CLI",
        "~/.gemini/settings.json, or .gemini/settings.json in a project",
        _home(".gemini", "settings.json"),
        reference=lambda name: f"${name}",
        url_key="httpUrl",
    ),
    "windsurf": Client(
        "Windsurf",
        "~/.codeium/windsurf/mcp_config.json",
        _home(".codeium", "windsurf", "mcp_config.json"),
        reference=_env_braces,
        url_key="serverUrl",
    ),
    "zed": Client("Zed", "Zed's settings.json (action zed: open settings file)", _zed, key="context_servers"),
    "goose": _Goose(
        "Goose", "~/.config/goose/config.yaml", _goose, key="extensions", form="yaml", reference=_braces
    ),
    "cline": Client(
        "Cline",
        "cline_mcp_settings.json (MCP Servers, Configure, Configure MCP Servers)",
        _cline,
        type_key=("stdio", "streamableHttp"),
    ),
    "jetbrains": Client(
        "JetBrains (Junie)",
        "~/.junie/mcp/mcp.json, or .junie/mcp/mcp.json in a project",
        _home(".junie", "mcp", "mcp.json"),
        url_key=None,
    ),
    "rookery": _Rookery(
        "Rookery's own agent",
        "mcp.json in the folder where `rookery` runs",
        _here("mcp.json"),
        reference=_braces,
    ),
}
