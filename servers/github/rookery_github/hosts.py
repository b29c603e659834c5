"""The GitHub hosts a server knows: github.com or an Enterprise one, and any others beside it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from rookery_core.errors import ConfigurationError, InvalidInput
from rookery_github import credentials
from rookery_github.credentials import Credentials

if TYPE_CHECKING:
    from rookery_github.settings import GitHubSettings

VARIABLE = "ROOKERY_GITHUB_HOSTS"
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class Host:
    """One GitHub. api: the address of its API; web: of its pages; both without a slash at the end.

    find_credentials is asked once, at the first request, because `gh auth token` starts a program.
    """

    name: str
    api: str
    web: str
    find_credentials: Callable[[], Credentials]


class Hosts:
    """The hosts by name. The first is the default."""

    def __init__(self, hosts: list[Host]) -> None:
        self._hosts = {host.name: host for host in hosts}
        self.default = hosts[0]

    def get(self, name: str | None) -> Host:
        """The host of that web name, or the default. Raises InvalidInput that lists the known ones."""
        if name is None:
            return self.default
        found = self._hosts.get(name)
        if found is None:
            raise InvalidInput(
                f"{name} is not a GitHub host of this server.",
                candidates=list(self._hosts),
                hint=f"See {VARIABLE}.",
            )
        return found

    def __iter__(self):
        return iter(self._hosts.values())


def from_settings(settings: GitHubSettings) -> Hosts:
    """The hosts that the settings name. Raises ConfigurationError for an address that must not be trusted."""
    api = _checked(settings.api_url, "ROOKERY_GITHUB_URL")
    web = _checked(settings.web_url, "ROOKERY_GITHUB_WEB_URL") if settings.web_url else web_of(api)
    name = _name(web)
    first = Host(name, api, web, lambda: credentials.from_settings(settings, name))
    return Hosts([first, *(_from_entry(key, entry) for key, entry in _entries(settings).items())])


def web_of(api: str) -> str:
    """The address of the pages that belong to an API: GitHub's own, ghe.com's, or an Enterprise server's."""
    url = urlsplit(api)
    return f"{url.scheme}://{url.netloc.removeprefix('api.')}"


def _entries(settings: GitHubSettings) -> dict[str, Any]:
    text = settings.hosts.get_secret_value().strip() if settings.hosts else ""
    if not text:
        return {}
    try:
        read = json.loads(
            Path(text[1:]).expanduser().read_text(encoding="utf-8") if text.startswith("@") else text
        )
    except OSError as error:
        raise ConfigurationError(f"{VARIABLE}: cannot read the file: {error.strerror}.") from None
    except ValueError:
        raise ConfigurationError(f"{VARIABLE}: not JSON.") from None
    if not isinstance(read, dict) or not all(
        isinstance(entry, dict) for entry in cast(dict[str, Any], read).values()
    ):
        raise ConfigurationError(
            f"{VARIABLE}: not an object of hosts.",
            hint='Write {"ghe.example.com": {"token_env": "GHE_TOKEN"}}.',
        )
    return cast(dict[str, Any], read)


def _from_entry(name: str, entry: dict[str, Any]) -> Host:
    unknown = set(entry) - {"url", "web_url", "token", "token_env", "gh"}
    if unknown:
        raise ConfigurationError(f"{VARIABLE}: {name}: unknown key {min(unknown)!r}.")
    enterprise = f"https://{name}/api/v3"
    ours = f"https://api.{name}" if name == "github.com" or name.endswith(".ghe.com") else enterprise
    api = _checked(entry.get("url") or ours, f"{VARIABLE}: {name}")
    web = _checked(entry.get("web_url") or f"https://{name}", f"{VARIABLE}: {name}")
    return Host(name.lower(), api, web, lambda: credentials.from_entry(entry, name))


def _checked(address: str, where: str) -> str:
    url = urlsplit(address)
    if url.scheme not in ("https", "http") or not url.netloc or url.query or url.username:
        raise ConfigurationError(f"{where}: not an address of a GitHub API: write https://HOST/api/v3.")
    if url.scheme == "http" and url.hostname not in LOOPBACK:
        raise ConfigurationError(f"{where}: a token is sent to https addresses only.")
    return address.rstrip("/")


def _name(web: str) -> str:
    return urlsplit(web).netloc.lower()
