"""What ingest reads from the environment for Slack."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, SecretStr

from rookery_slackapi.settings import SlackApiSettings


class SlackIngestSettings(SlackApiSettings):
    """Tokens of the app that listens (the bot's own, or another app's), and what may be kept."""

    section: ClassVar[str] = "ingest"

    ingest_app_token: SecretStr | None = Field(
        default=None, validation_alias="ROOKERY_SLACK_INGEST_APP_TOKEN"
    )
    """App-level token (xapp-…) of an app of ingest's own; default: SLACK_APP_TOKEN."""
    ingest_bot_token: SecretStr | None = Field(
        default=None, validation_alias="ROOKERY_SLACK_INGEST_BOT_TOKEN"
    )
    """Bot token (xoxb-…) of an app of ingest's own; default: SLACK_BOT_TOKEN."""
    ingest_dms: bool = Field(default=False, validation_alias="ROOKERY_SLACK_INGEST_DMS")
    """Whether direct messages are stored."""
    raw_event_days: int = Field(default=90, ge=1)
    """Days for which raw events are kept, to be replayed."""
    backfill_days: int = Field(default=30, ge=0)
    """How far back, in days, a channel without history is filled from Slack."""

    @property
    def app_token(self) -> str | None:
        """The app-level token (xapp-…) to listen with."""
        token = self.ingest_app_token or self.slack_app_token
        return token.get_secret_value() if token else None

    @property
    def bot_token(self) -> str | None:
        """The bot token (xoxb-…) to read history with."""
        token = self.ingest_bot_token or self.slack_bot_token
        return token.get_secret_value() if token else None
