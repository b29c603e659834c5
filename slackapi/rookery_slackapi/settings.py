"""The settings that every program which calls Slack reads."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from rookery_core.errors import ConfigurationError
from rookery_core.settings import CoreSettings

SLACK_API = "https://slack.com/api/"
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class SlackApiSettings(CoreSettings):
    """Tokens and the address of Slack's Web API."""

    slack_bot_token: SecretStr | None = Field(default=None, validation_alias="SLACK_BOT_TOKEN")
    """Token of the Slack app's bot user (xoxb-…)."""
    slack_app_token: SecretStr | None = Field(default=None, validation_alias="SLACK_APP_TOKEN")
    """App-level token with connections:write (xapp-…), for Socket Mode."""
    slack_api_url: str = Field(default=SLACK_API, validation_alias="ROOKERY_SLACK_API_URL")
    """Base URL of Slack's Web API; slack.com or, for an emulator, loopback."""

    slack_patience_s: float = Field(default=60.0, ge=0)
    """Seconds that one call of the bot waits for a rate limit of Slack before the question goes back to the queue."""

    @field_validator("slack_api_url")
    @classmethod
    def _slack_or_this_machine(cls, url: str) -> str:
        parts = urlsplit(url)
        slack = parts.scheme == "https" and (parts.hostname or "") in ("slack.com", "www.slack.com")
        here = parts.scheme in ("http", "https") and (parts.hostname or "") in _LOOPBACK
        if not (slack or here):
            raise ValueError("must be https://slack.com/api/ or an address of this machine")
        return url if url.endswith("/") else url + "/"

    @property
    def emulated(self) -> bool:
        """Whether the Web API is an emulator on this machine."""
        return self.slack_api_url != SLACK_API

    def require_bot_token(self) -> str:
        """The bot token. Raises ConfigurationError without a usable one."""
        return required_token(self.slack_bot_token, "SLACK_BOT_TOKEN", "xoxb-", "OAuth & Permissions")

    def require_app_token(self) -> str:
        """The app-level token. Raises ConfigurationError without a usable one."""
        page = "Basic Information > App-Level Tokens"
        return required_token(self.slack_app_token, "SLACK_APP_TOKEN", "xapp-", page)


def required_token(value: SecretStr | None, name: str, prefix: str, page: str) -> str:
    """The token. page: where Slack shows it. Raises ConfigurationError when it is missing or of another kind."""
    token = value.get_secret_value() if value else ""
    if not token:
        raise ConfigurationError(f"{name} is not set.", hint=f"Copy it from your Slack app, page {page}.")
    if not token.startswith(prefix):
        raise ConfigurationError(f"{name} does not begin with {prefix}.", hint=f"Copy it from page {page}.")
    return token
