"""What the Slack server reads from the environment."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr

from rookery_core.settings import CommaSeparated, CoreSettings


class SlackSettings(CoreSettings):
    """Settings of rookery-slack. Everything that shows or does more is off unless it is set."""

    slack_url: str | None = Field(default=None, validation_alias="ROOKERY_SLACK_URL")
    slack_dms: Literal["off", "participants"] = Field(default="off", validation_alias="ROOKERY_SLACK_DMS")
    slack_channels: CommaSeparated = Field(default=(), validation_alias="ROOKERY_SLACK_CHANNELS")
    slack_posting: Literal["off", "on"] = Field(default="off", validation_alias="ROOKERY_SLACK_POSTING")
    slack_post_channels: CommaSeparated = Field(default=(), validation_alias="ROOKERY_SLACK_POST_CHANNELS")
    slack_bot_token: SecretStr | None = Field(default=None, validation_alias="SLACK_BOT_TOKEN")
    slack_api_url: str = Field(default="https://slack.com/api/", validation_alias="ROOKERY_SLACK_API_URL")
