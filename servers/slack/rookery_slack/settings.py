"""What the Slack server reads from the environment."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field

from rookery_core.settings import CommaSeparated
from rookery_slackapi.settings import SlackApiSettings


def _participants(value: object) -> object:
    """`participants` was the earlier form of true."""
    return True if value == "participants" else value


class SlackSettings(SlackApiSettings):
    """Settings of rookery-slack. Everything that shows or does more is off unless it is set."""

    section: ClassVar[str] = "slack-server"

    slack_url: str | None = Field(default=None, validation_alias="ROOKERY_SLACK_URL")
    """Address of the workspace (https://acme.slack.com), for permalinks; default: what an import or
    auth.test has told."""
    slack_dms: Annotated[bool, BeforeValidator(_participants)] = Field(
        default=False, validation_alias="ROOKERY_SLACK_DMS"
    )
    """Whether direct messages are shown to their participants."""
    slack_channels: CommaSeparated = Field(default=(), validation_alias="ROOKERY_SLACK_CHANNELS")
    """Names or ids of the channels that may be shown; empty: all that the asker may see."""
    slack_posting: bool = Field(default=False, validation_alias="ROOKERY_SLACK_POSTING")
    """Whether the tools post_message and add_reaction are offered; each posts only what was confirmed
    before."""
    slack_post_channels: CommaSeparated = Field(default=(), validation_alias="ROOKERY_SLACK_POST_CHANNELS")
    """Names or ids of the channels into which they may write."""
