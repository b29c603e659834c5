"""How the server proves who it is to GitHub, and the name under which the cache keeps what that identity saw."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rookery_core.errors import ConfigurationError

if TYPE_CHECKING:
    from github.Auth import Auth

    from rookery_github.settings import GitHubSettings

GH_PATIENCE_S = 5.0


@dataclass(frozen=True, slots=True)
class AppCredentials:
    """A GitHub App installed somewhere: it signs in with its key and gets tokens of an hour."""

    app_id: str
    private_key: str
    installation: int


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """What a host is asked with: a token, an App, or nothing (public content at 60 requests an hour)."""

    token: str | None = None
    app: AppCredentials | None = None

    @property
    def identity(self) -> str:
        """A name of this identity that reveals nothing: answers are cached for it alone."""
        if self.app:
            return f"app-{self.app.app_id}-{self.app.installation}"
        if self.token:
            return "token-" + hashlib.sha256(self.token.encode()).hexdigest()[:24]
        return "anonymous"

    @property
    def anonymous(self) -> bool:
        return self.token is None and self.app is None

    def as_auth(self) -> Auth | None:
        """What PyGithub signs requests with. Imports PyGithub."""
        from github import Auth

        if self.app:
            signer = Auth.AppAuth(self.app.app_id, self.app.private_key)
            return Auth.AppInstallationAuth(signer, self.app.installation)
        return Auth.Token(self.token) if self.token else None


def from_settings(settings: GitHubSettings, web_host: str) -> Credentials:
    """The credentials of the default host: the token, else the App, else what `gh auth token` knows."""
    if settings.token and settings.token.get_secret_value().strip():
        return Credentials(token=settings.token.get_secret_value().strip())
    if settings.app_id or settings.app_key or settings.app_installation:
        return Credentials(app=_app(settings))
    if settings.use_gh:
        return Credentials(token=token_of_gh(web_host))
    return Credentials()


def from_entry(entry: dict[str, Any], web_host: str) -> Credentials:
    """The credentials of one entry of ROOKERY_GITHUB_HOSTS: `token`, `token_env`, or nothing.

    Raises ConfigurationError for an invalid entry.
    """
    if token := entry.get("token"):
        return Credentials(token=str(token))
    if name := entry.get("token_env"):
        token = os.environ.get(str(name))
        if not token:
            raise ConfigurationError(
                f"ROOKERY_GITHUB_HOSTS: {web_host} reads its token from {name}, which is not set."
            )
        return Credentials(token=token)
    return Credentials(token=token_of_gh(web_host)) if entry.get("gh") else Credentials()


def _app(settings: GitHubSettings) -> AppCredentials:
    if not (settings.app_id and settings.app_key and settings.app_installation):
        raise ConfigurationError(
            "A GitHub App needs all of ROOKERY_GITHUB_APP_ID, ROOKERY_GITHUB_APP_KEY and "
            "ROOKERY_GITHUB_APP_INSTALLATION."
        )
    key = settings.app_key.get_secret_value()
    if key.startswith("@"):
        try:
            key = Path(key[1:]).expanduser().read_text(encoding="utf-8")
        except OSError as error:
            raise ConfigurationError(
                f"ROOKERY_GITHUB_APP_KEY: cannot read the file: {error.strerror}."
            ) from None
    return AppCredentials(settings.app_id, key.replace("\\n", "\n"), settings.app_installation)


def token_of_gh(web_host: str) -> str | None:
    """The token that the command `gh` keeps for a host, or None when there is no `gh` or no login."""
    program = shutil.which("gh")
    if program is None:
        return None
    try:
        asked = subprocess.run(
            [program, "auth", "token", "--hostname", web_host],
            capture_output=True,
            text=True,
            timeout=GH_PATIENCE_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return asked.stdout.strip() or None
