"""`rookery install --print CLIENT`: the configuration that adds the servers to an MCP client."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from rookery.commands.options import Subparsers, add_parser
from rookery_core.identity.user_ids import user_id

CLIENTS = {
    "claude-desktop": "claude_desktop_config.json (Claude Desktop: Settings, Developer, Edit Config; then restart it)",
    "claude-code": ".mcp.json in the folder of your project (Claude Code)",
    "cursor": "~/.cursor/mcp.json, or .cursor/mcp.json in a project (Cursor)",
    "vscode": ".vscode/mcp.json in the folder of your project (VS Code)",
}
SERVERS = ("slack", "docs", "github", "memory")
_EPILOG = """\
The JSON goes to standard output, where it belongs goes to standard error; nothing is changed.

examples:
  rookery install --print claude-desktop
  rookery install --print claude-code docs memory > .mcp.json
  rookery install --print cursor slack --env ROOKERY_DATA_DIR=$HOME/rookery --as-user U012AB3CD
"""


def add_commands(subparsers: Subparsers) -> None:
    """Add `install` to a command line."""
    parser = add_parser(subparsers, "install", "print the configuration for an MCP client", _EPILOG)
    parser.add_argument("--print", dest="client", required=True, choices=CLIENTS, metavar="CLIENT",
                        help=f"one of {', '.join(CLIENTS)}")  # fmt: skip
    parser.add_argument(
        "servers", nargs="*", metavar="SERVER", help=f"of {', '.join(SERVERS)} (default: all)"
    )
    parser.add_argument("--env", dest="variables", action="append", default=[], metavar="NAME=VALUE",
                        help="a variable for the servers; may be given several times")  # fmt: skip
    parser.add_argument("--as-user", type=user_id, metavar="ID", help="answer with what this person may see")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the configuration. Returns the exit status."""
    entries = {
        f"rookery-{server}": _entry(
            server, arguments.client, _variables(arguments.variables), arguments.as_user
        )
        for server in _chosen(arguments.servers)
    }
    key = "servers" if arguments.client == "vscode" else "mcpServers"
    print(json.dumps({key: entries}, indent=2))
    print(f"Put this into {CLIENTS[arguments.client]}.", file=sys.stderr)
    return 0


def _entry(server: str, client: str, env: dict[str, str], as_user: str | None) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "command": str(_command(server)),
        "args": ["--as-user", as_user] if as_user else [],
    }
    if client in ("claude-code", "vscode"):
        entry = {"type": "stdio", **entry}
    return {**entry, "env": env} if env else entry


def _command(server: str) -> Path:
    """The command of this environment. A client starts it from another folder, so the path is absolute."""
    suffix = ".exe" if sys.platform == "win32" else ""
    path = Path(sys.executable).parent / f"rookery-{server}{suffix}"
    if not path.exists():
        from rookery_core.errors import NotFound

        raise NotFound(f"{path} does not exist.", hint=f"Install rookery-{server} into this environment.")
    return path


def _chosen(names: list[str]) -> list[str]:
    from rookery_core.errors import InvalidInput

    chosen = [name.removeprefix("rookery-") for name in names] or list(SERVERS)
    if unknown := [name for name in chosen if name not in SERVERS]:
        raise InvalidInput(f"There is no server {unknown[0]!r}.", candidates=SERVERS)
    return chosen


def _variables(given: list[str]) -> dict[str, str]:
    from rookery_core.errors import InvalidInput

    pairs = [each.partition("=") for each in given]
    if wrong := [name for name, mark, _ in pairs if not mark or not name]:
        raise InvalidInput(f"--env {wrong[0]!r} is not NAME=VALUE.")
    return {name: value for name, _, value in pairs}
