"""The servers of this installation as a client must start them: with what this command itself would use."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from rookery.mcp.own_servers import OWN_SERVERS
from rookery.settings import AgentSettings
from rookery.setup.clients import Client, Hosted, Local
from rookery_core import environment_file
from rookery_core.errors import ConfigurationError, InvalidInput, NotFound

DATABASE_URL = "DATABASE_URL"
_CARRIED = ("ROOKERY_TEAM", "ROOKERY_EMBEDDER", "ROOKERY_EMBEDDING_MODEL", "ROOKERY_EMBEDDING_BASE_URL")
"""Settings without secrets on which the stores and their search depend."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for. variables: set for each server. url: of a hosted server; token: the variable that holds its token."""

    servers: tuple[str, ...]
    variables: Mapping[str, str]
    as_user: str | None = None
    url: str | None = None
    token: str | None = None


def chosen_servers(names: Sequence[str]) -> tuple[str, ...]:
    """Names with or without `rookery-`; all four without any. Raises InvalidInput for another name."""
    chosen = tuple(dict.fromkeys(name.removeprefix("rookery-") for name in names)) or OWN_SERVERS
    if unknown := [name for name in chosen if name not in OWN_SERVERS]:
        raise InvalidInput(f"There is no server {unknown[0]!r}.", candidates=OWN_SERVERS)
    return chosen


def make_servers(wanted: Wanted, client: Client, settings: AgentSettings) -> dict[str, Local | Hosted]:
    """The servers under the names that the client shows. Raises ConfigurationError, InvalidInput or NotFound."""
    return {
        f"rookery-{server}": _hosted(server, wanted)
        if wanted.url
        else _local(server, wanted, client, settings)
        for server in wanted.servers
    }


def _hosted(server: str, wanted: Wanted) -> Hosted:
    url = (wanted.url or "").replace("{server}", server)
    address = urlsplit(url)
    if address.scheme not in ("http", "https") or not address.hostname:
        raise InvalidInput(f"--url must be an http or https address: {url!r} is not.")
    if address.username or address.password:
        raise InvalidInput(
            "--url must not contain a password.", hint="Put the token into a variable: --token-env NAME."
        )
    if len(wanted.servers) > 1 and "{server}" not in (wanted.url or ""):
        raise InvalidInput(
            "--url names one server, and several were asked for.",
            hint="Name one (`rookery install … docs --url URL`), or write {server} in the address.",
        )
    if address.path in ("", "/"):
        url = address._replace(path="/mcp").geturl()
    secret = os.environ.get(wanted.token) if wanted.token else None
    return Hosted(server, url, wanted.token, secret)


def _local(server: str, wanted: Wanted, client: Client, settings: AgentSettings) -> Local:
    passed = ["GITHUB_TOKEN"] if server == "github" and _passes(client, "GITHUB_TOKEN") else []
    env = _environment(settings)
    if _from_shell(DATABASE_URL) and DATABASE_URL not in wanted.variables:
        if client.reference is not None:
            passed.append(DATABASE_URL)
        else:
            env[DATABASE_URL] = _without_password(client)
    args = ("--as-user", wanted.as_user) if wanted.as_user else ()
    return Local(str(_command(server)), args, {**env, **wanted.variables}, tuple(passed))


def _environment(settings: AgentSettings) -> dict[str, str]:
    """The data folder, the file of variables and the file of settings, all absolute: a client starts servers anywhere."""
    env = {name: os.environ[name] for name in _CARRIED if _from_shell(name)}
    if settings.database_url is None:
        env["ROOKERY_DATA_DIR"] = str(settings.data_dir.expanduser().absolute())
    if environment_file.loaded:
        env["ROOKERY_ENV_FILE"] = str(environment_file.loaded[0])
    configuration = settings.config_file or Path("rookery.toml")
    if configuration.expanduser().is_file():
        env["ROOKERY_CONFIG"] = str(configuration.expanduser().absolute())
    return env


def _from_shell(name: str) -> bool:
    """Whether the shell sets the variable, and not the file that the servers will read too."""
    value = os.environ.get(name)
    return bool(value) and environment_file.values_of_loaded().get(name) != value


def _passes(client: Client, name: str) -> bool:
    return client.reference is not None and _from_shell(name)


def _without_password(client: Client) -> str:
    url = os.environ[DATABASE_URL]
    address = urlsplit(url)
    if address.password or "password=" in address.query:
        raise ConfigurationError(
            f"DATABASE_URL contains a password, and {client.name} cannot refer to a variable.",
            hint="Write DATABASE_URL into a file that only you can read, and name it: `rookery --env FILE install …`.",
        )
    return url


def _command(server: str) -> Path:
    """The command of this environment. A client starts it from another folder, so the path is absolute."""
    suffix = ".exe" if sys.platform == "win32" else ""
    path = Path(sys.executable).parent / f"rookery-{server}{suffix}"
    if not path.exists():
        raise NotFound(f"{path} does not exist.", hint=f"Install rookery-{server} into this environment.")
    return path
