"""What the GitHub server reads from the environment."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr

from rookery_core.settings import CoreSettings

GITHUB_API = "https://api.github.com"


class GitHubSettings(CoreSettings):
    """Settings of rookery-github. Names that other GitHub programs know keep those names."""

    token: SecretStr | None = Field(default=None, validation_alias="GITHUB_TOKEN")
    """A personal, fine-grained or installation token. Without one GitHub answers 60 requests an hour."""
    api_url: str = Field(default=GITHUB_API, validation_alias="ROOKERY_GITHUB_URL")
    """Base URL of the REST API; of GitHub Enterprise https://github.example/api/v3."""
    web_url: str | None = Field(default=None, validation_alias="ROOKERY_GITHUB_WEB_URL")
    """Address of the web pages that links lead to; default: derived from the API's."""
    hosts: SecretStr | None = Field(default=None, validation_alias="ROOKERY_GITHUB_HOSTS")
    """Further hosts: JSON, or @file with JSON; each with its address and credentials."""
    app_id: str | None = Field(default=None, validation_alias="ROOKERY_GITHUB_APP_ID")
    """Id of a GitHub App, to work as its installation in place of a token."""
    app_key: SecretStr | None = Field(default=None, validation_alias="ROOKERY_GITHUB_APP_KEY")
    """The App's private key (PEM), or @file with it."""
    app_installation: int | None = Field(default=None, validation_alias="ROOKERY_GITHUB_APP_INSTALLATION")
    """Id of the installation; default: the App's only one."""
    use_gh: bool = Field(default=True, validation_alias="ROOKERY_GITHUB_USE_GH")
    """Whether `gh auth token` is asked when there is no other credential."""

    default_repo: str = Field(default="", validation_alias="ROOKERY_GITHUB_REPO")
    """Repository (owner/name) meant when a call names none."""
    default_owner: str = Field(default="", validation_alias="ROOKERY_GITHUB_OWNER")
    """Owner meant when a call names only a repository."""
    allow: str = Field(default="", validation_alias="ROOKERY_GITHUB_ALLOW")
    """Owners and repositories that may be reached, as patterns (acme/*, acme/site-?); empty: all that the
    token may."""
    lockdown: bool = Field(default=False, validation_alias="ROOKERY_GITHUB_LOCKDOWN")
    """In public repositories show only what authors with push access wrote."""

    tools: str = Field(default="", validation_alias="ROOKERY_GITHUB_TOOLS")
    """Names of the tools to offer; empty: the default ones."""
    exclude_tools: str = Field(default="", validation_alias="ROOKERY_GITHUB_EXCLUDE_TOOLS")
    """Names of tools to leave out; wins over every other choice."""
    aliases: str = Field(default="", validation_alias="ROOKERY_GITHUB_ALIASES")
    """Other names under which tools are offered too (get_releases=list_releases), or `familiar` for
    those of the server that this one replaces."""
    write: str = Field(default="", validation_alias="ROOKERY_GITHUB_WRITE")
    """Names of writing tools to switch on, or `all`; empty: none."""

    cache: Literal["auto", "database", "memory", "off"] = Field(
        default="auto", validation_alias="ROOKERY_GITHUB_CACHE"
    )
    """Where answers of GitHub are kept; auto: in the database, in memory while it is away."""
    cache_mb: int = Field(default=256, ge=1, validation_alias="ROOKERY_GITHUB_CACHE_MB")
    """Size of the cache, in megabytes."""
    fresh_s: float = Field(default=60.0, ge=0, validation_alias="ROOKERY_GITHUB_FRESH_S")
    """Seconds for which a kept answer is given without asking GitHub whether it has changed."""
    stale_s: float = Field(default=86_400.0, ge=0, validation_alias="ROOKERY_GITHUB_STALE_S")
    """Seconds for which a kept answer may stand in, and is marked so, when GitHub cannot be asked."""

    timeout_s: float = Field(default=15.0, gt=0, validation_alias="ROOKERY_GITHUB_TIMEOUT_S")
    """Seconds that one request to GitHub may take."""
    max_wait_s: float = Field(default=5.0, ge=0, le=60, validation_alias="ROOKERY_GITHUB_MAX_WAIT_S")
    """Most seconds that a call waits for a rate limit; beyond it answers with retry_after_s."""
    max_concurrent: int = Field(default=24, ge=1, le=90, validation_alias="ROOKERY_GITHUB_CONCURRENCY")
    """Requests to GitHub under way at once."""
    write_spacing_s: float = Field(default=1.0, ge=0, validation_alias="ROOKERY_GITHUB_WRITE_SPACING_S")
    """Seconds between two writes, as GitHub asks for."""


def words(value: str) -> tuple[str, ...]:
    """The entries of a list written with commas or spaces."""
    return tuple(value.replace(",", " ").split())
