"""What the GitHub server reads from the environment."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr

from rookery_core.settings import CoreSettings

GITHUB_API = "https://api.github.com"


class GitHubSettings(CoreSettings):
    """Settings of rookery-github. Names that other GitHub programs know keep those names."""

    token: SecretStr | None = Field(default=None, validation_alias="GITHUB_TOKEN")
    api_url: str = Field(default=GITHUB_API, validation_alias="ROOKERY_GITHUB_URL")
    web_url: str | None = Field(default=None, validation_alias="ROOKERY_GITHUB_WEB_URL")
    hosts: SecretStr | None = Field(default=None, validation_alias="ROOKERY_GITHUB_HOSTS")
    app_id: str | None = Field(default=None, validation_alias="ROOKERY_GITHUB_APP_ID")
    app_key: SecretStr | None = Field(default=None, validation_alias="ROOKERY_GITHUB_APP_KEY")
    app_installation: int | None = Field(default=None, validation_alias="ROOKERY_GITHUB_APP_INSTALLATION")
    use_gh: bool = Field(default=True, validation_alias="ROOKERY_GITHUB_USE_GH")

    default_repo: str = Field(default="", validation_alias="ROOKERY_GITHUB_REPO")
    default_owner: str = Field(default="", validation_alias="ROOKERY_GITHUB_OWNER")
    allow: str = Field(default="", validation_alias="ROOKERY_GITHUB_ALLOW")
    lockdown: bool = Field(default=False, validation_alias="ROOKERY_GITHUB_LOCKDOWN")

    tools: str = Field(default="", validation_alias="ROOKERY_GITHUB_TOOLS")
    exclude_tools: str = Field(default="", validation_alias="ROOKERY_GITHUB_EXCLUDE_TOOLS")
    aliases: str = Field(default="", validation_alias="ROOKERY_GITHUB_ALIASES")
    write: str = Field(default="", validation_alias="ROOKERY_GITHUB_WRITE")

    cache: Literal["auto", "database", "memory", "off"] = Field(
        default="auto", validation_alias="ROOKERY_GITHUB_CACHE"
    )
    cache_mb: int = Field(default=256, ge=1, validation_alias="ROOKERY_GITHUB_CACHE_MB")
    fresh_s: float = Field(default=60.0, ge=0, validation_alias="ROOKERY_GITHUB_FRESH_S")
    stale_s: float = Field(default=86_400.0, ge=0, validation_alias="ROOKERY_GITHUB_STALE_S")

    timeout_s: float = Field(default=15.0, gt=0, validation_alias="ROOKERY_GITHUB_TIMEOUT_S")
    max_wait_s: float = Field(default=5.0, ge=0, le=60, validation_alias="ROOKERY_GITHUB_MAX_WAIT_S")
    max_concurrent: int = Field(default=24, ge=1, le=90, validation_alias="ROOKERY_GITHUB_CONCURRENCY")
    write_spacing_s: float = Field(default=1.0, ge=0, validation_alias="ROOKERY_GITHUB_WRITE_SPACING_S")


def words(value: str) -> tuple[str, ...]:
    """The entries of a list written with commas or spaces."""
    return tuple(value.replace(",", " ").split())
