"""`rookery install CLIENT`: print the configuration that adds the servers to an MCP client, or write it."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from rookery.commands.options import Subparsers, add_parser, agent_settings
from rookery_core.identity.user_ids import user_id

if TYPE_CHECKING:
    from rookery.settings import AgentSettings
    from rookery.setup.clients import Client

_CLIENTS = (
    "claude-desktop", "claude-code", "cursor", "vscode", "codex", "gemini", "windsurf", "zed", "goose", "cline",
    "jetbrains", "rookery",
)  # fmt: skip
_EPILOG = """\
--print shows the configuration on standard output and changes nothing. --write puts it into the client's own file: it
shows the difference, asks, and keeps what was there beside the file; --undo puts that back. The servers get what this command
itself would use: the data folder, the file of variables, DATABASE_URL (by reference where the client has references).

examples:
  rookery install --print claude-desktop
  rookery install --write cursor docs memory
  rookery install --undo cursor
  rookery install --print vscode slack --as-user U012AB3CD
  rookery install --print codex docs --url https://rookery.example:8102/mcp --token-env ROOKERY_TOKEN
  rookery install --print gemini --url https://rookery.example/{server}/mcp --token-env ROOKERY_TOKEN

exit status: 0 done; 1 not written; 2 wrong use, or the client's file cannot be read.
"""


def add_commands(subparsers: Subparsers) -> None:
    """Add `install` to a command line."""
    parser = add_parser(subparsers, "install", "print or write the configuration for an MCP client", _EPILOG)
    action = parser.add_mutually_exclusive_group(required=True)
    for name, text in (
        ("print", f"print it; CLIENT is one of {', '.join(_CLIENTS)}"),
        ("write", "write it into the client's file, after showing the difference"),
        ("undo", "put back what --write replaced"),
    ):
        action.add_argument(f"--{name}", choices=_CLIENTS, metavar="CLIENT", help=text)
    parser.add_argument(
        "servers", nargs="*", metavar="SERVER", help="of slack, docs, github, memory (default: all)"
    )
    parser.add_argument("--env", dest="variables", action="append", default=[], metavar="NAME=VALUE",
                        help="a variable for the servers; may be given several times")  # fmt: skip
    parser.add_argument("--as-user", type=user_id, metavar="ID", help="answer with what this person may see")
    parser.add_argument("--url", metavar="URL", help="a hosted server; {server} stands for the name of each")
    parser.add_argument("--token-env", metavar="NAME",
                        help="the variable with the token for the hosted server (default: ROOKERY_TOKEN)")  # fmt: skip
    parser.add_argument("--no-token", action="store_true", help="the hosted server needs no token")
    parser.add_argument(
        "--file", type=Path, metavar="PATH", help="the client's file, where it is not the usual one"
    )
    parser.add_argument("--yes", action="store_true", help="write without asking")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print, write or undo. Returns the exit status."""
    from rookery.setup.clients import CLIENTS
    from rookery.setup.installed_files import undo

    name: str = arguments.print or arguments.write or arguments.undo
    client = CLIENTS[name]
    path: Path = (arguments.file or client.path()).expanduser()
    if arguments.undo:
        return undo(path, yes=arguments.yes)
    return _install(arguments, client, path)


def _install(arguments: argparse.Namespace, client: Client, path: Path) -> int:
    from rookery.setup.client_files import rendered
    from rookery.setup.entries import Wanted, chosen_servers, make_servers
    from rookery.setup.installed_files import write

    settings = agent_settings(argparse.Namespace())
    token = None if arguments.no_token or not arguments.url else arguments.token_env or "ROOKERY_TOKEN"
    wanted = Wanted(
        chosen_servers(arguments.servers),
        _variables(arguments.variables),
        arguments.as_user,
        arguments.url,
        token,
    )
    servers = make_servers(wanted, client, settings)
    entries = {name: client.entry(name, server) for name, server in servers.items()}
    lists = client.more(list(servers.values()))
    if arguments.print:
        print(rendered(client, entries, lists), end="")
        _tell(f"Put this into {client.place}. `rookery install --write {arguments.print}` does it for you.")
        status = 0
    else:
        status = write(client, path, entries, lists, yes=arguments.yes)
    _tell(
        _about_token(client, token) if arguments.url else asyncio.run(_about_data(settings, wanted.variables))
    )
    return status


def _about_token(client: Client, token: str | None) -> str:
    if token is None:
        return ""
    if client.reference is None or client.url_key is None:
        return f"{client.name} cannot refer to a variable: the file holds the token itself (of {token}, if it is set)."
    if client.name == "VS Code":
        return "VS Code asks for the token when it starts the server."
    return f"Set {token} to the token in the environment of {client.name}; `rookery token new` makes one."


async def _about_data(settings: AgentSettings, variables: Mapping[str, str]) -> str:
    """Which data the servers will read, and how much that is."""
    from pydantic import SecretStr

    from rookery.doctor.holdings import data_folder_text, empty_store_remedy
    from rookery_core.database.holdings import read_holdings
    from rookery_core.errors import RookeryError

    changed: dict[str, object] = {}
    if folder := variables.get("ROOKERY_DATA_DIR"):
        changed["data_dir"] = Path(folder)
    if url := variables.get("DATABASE_URL"):
        changed["database_url"] = SecretStr(url)
    used = settings.model_copy(update=changed)
    where = data_folder_text(used)
    if used.database_url is None and not used.data_dir.expanduser().exists():
        return f"The servers read an empty database ({where}). {empty_store_remedy(used)}"
    try:
        held = await read_holdings(used)
    except RookeryError as error:
        return f"The servers read the database {where}. {error.message}"
    if held.is_empty or not held.held:
        return f"The servers read an empty database ({where}). {empty_store_remedy(used)}"
    return f"The servers read {held.text()} ({where})."


def _tell(text: str) -> None:
    if text:
        print(text, file=sys.stderr)


def _variables(given: list[str]) -> dict[str, str]:
    from rookery_core.errors import InvalidInput

    pairs = [each.partition("=") for each in given]
    if wrong := [name for name, mark, _ in pairs if not mark or not name]:
        raise InvalidInput(f"--env {wrong[0]!r} is not NAME=VALUE.")
    return {name: value for name, _, value in pairs}
