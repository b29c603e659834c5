"""What the GitHub server reads from the environment."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, SecretStr

from rookery_core.settings import CoreSettings

GITHUB_API = "https://api.github.com"


class GitHubSettings(CoreSettings):
    """Settings of rookery-github. Names that other GitHub programs know keep those names."""

    section: ClassVar[str] = "github"

    token: SecretStr | None = Field(default=None, validation_alias="GITHUB_TOKEN")
    """Personal access token, classic or fine-grained. Without it: the App below, else what `gh auth token` knows,
    else public content at 60 requests an hour."""
    api_url: str = Field(default=GITHUB_API, validation_alias="ROOKERY_GITHUB_URL")
    """Address of the API: of an Enterprise server https://HOST/api/v3, of ghe.com https://api.SUBDOMAIN.ghe.com."""
    web_url: str | None = Field(default=None, validation_alias="ROOKERY_GITHUB_WEB_URL")
    """Address of the pages that links lead to, where it does not follow from the API's."""
    hosts: SecretStr | None = Field(default=None, validation_alias="ROOKERY_GITHUB_HOSTS")
    """Further hosts, as JSON or @file with JSON: {"ghe.example.com": {"token_env": "GHE_TOKEN"}}; an entry takes url,
    web_url, and one of token, token_env and gh (true: ask gh). Links and HOST/owner/repo choose the host."""
    app_id: str | None = Field(default=None, validation_alias="ROOKERY_GITHUB_APP_ID")
    """Id of a GitHub App, to sign in as one of its installations instead of with a token."""
    app_key: SecretStr | None = Field(default=None, validation_alias="ROOKERY_GITHUB_APP_KEY")
    """The App's private key in PEM form, or @file with it."""
    app_installation: int | None = Field(default=None, validation_alias="ROOKERY_GITHUB_APP_INSTALLATION")
    """Id of the App's installation."""
    use_gh: bool = Field(default=True, validation_alias="ROOKERY_GITHUB_USE_GH")
    """Whether to ask the command gh for its token when there is no other."""

    default_repo: str = Field(default="", validation_alias="ROOKERY_GITHUB_REPO")
    """owner/repo that is meant where none is given; then #12 is enough for an issue."""
    default_owner: str = Field(default="", validation_alias="ROOKERY_GITHUB_OWNER")
    """Owner that is meant where only a repository's name is given, and searched where no repository is."""
    allow: str = Field(default="", validation_alias="ROOKERY_GITHUB_ALLOW")
    """The only repositories the server may touch: globs such as acme/*, acme/web-*, !acme/secret, separated by commas
    or spaces; the last that matches decides. Empty: whatever the token may see."""
    lockdown: bool = Field(default=False, validation_alias="ROOKERY_GITHUB_LOCKDOWN")
    """On public repositories show only what people with push access wrote."""

    aliases: str = Field(default="", validation_alias="ROOKERY_GITHUB_ALIASES")
    """Further names of tools, as name=tool; familiar adds search_issues_and_prs, get_recent_commits, get_users,
    search_repo_code, get_releases and find_repos."""
    write: str = Field(default="", validation_alias="ROOKERY_GITHUB_WRITE")
    """Writing tools to offer: their names, or all. Over HTTP the caller's token needs the scope write, too."""

    cache: Literal["database", "memory", "off"] = Field(
        default="database", validation_alias="ROOKERY_GITHUB_CACHE"
    )
    """Where answers are kept: in the database (in memory until it is open, or when there is none), in memory only, or
    nowhere."""
    cache_mb: int = Field(default=256, ge=1)
    """Megabytes of answers to keep for a team; what was used longest ago goes first."""
    fresh_s: float = Field(default=60.0, ge=0, validation_alias="ROOKERY_GITHUB_FRESH_S")
    """Seconds for which a kept answer is given without asking GitHub whether it changed (GitHub itself allows 60).
    With webhooks received by rookery-ingest it can be hours; 0 asks each time, which costs nothing when nothing changed."""
    stale_s: float = Field(default=86_400.0, ge=0)
    """How old a kept answer may be, in seconds, that is shown (and dated) when GitHub cannot be asked."""

    timeout_s: float = Field(default=15.0, gt=0)
    """Seconds to wait for an answer of GitHub."""
    max_wait_s: float = Field(default=5.0, ge=0, le=60)
    """Most seconds that a call waits for a rate limit; when it would be longer the answer says retry_after_s."""
    max_concurrent: int = Field(default=24, ge=1, le=90)
    """Most requests to a host at a time."""
    write_spacing_s: float = Field(default=1.0, ge=0)
    """Seconds between two writes, as GitHub asks for."""


def words(value: str) -> tuple[str, ...]:
    """The entries of a list written with commas or spaces."""
    return tuple(value.replace(",", " ").split())
