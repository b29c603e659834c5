"""What the Slack server reads from the environment."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from rookery_core.settings import CommaSeparated, Names
from rookery_slackapi.settings import SlackApiSettings


class SlackSettings(SlackApiSettings):
    """Settings of rookery-slack. Everything that shows or does more is off unless it is set."""

    slack_url: str | None = Field(default=None, validation_alias="ROOKERY_SLACK_URL")
    """Address of the workspace (https://acme.slack.com), for permalinks; default: what an import or
    auth.test has told."""
    slack_dms: Literal["off", "participants"] = Field(default="off", validation_alias="ROOKERY_SLACK_DMS")
    """Whether direct messages are shown, and then to their participants only."""
    slack_channels: CommaSeparated = Field(default=(), validation_alias="ROOKERY_SLACK_CHANNELS")
    """Names or ids of the channels that may be shown; empty: all that the asker may see."""
    slack_posting: Literal["off", "on"] = Field(default="off", validation_alias="ROOKERY_SLACK_POSTING")
    """Whether the tools post_message and add_reaction are offered; each posts only what was confirmed
    before."""
    slack_post_channels: CommaSeparated = Field(default=(), validation_alias="ROOKERY_SLACK_POST_CHANNELS")
    """Names or ids of the channels into which they may write."""
    tools: Names = Field(default=(), validation_alias="ROOKERY_SLACK_TOOLS")
    """The only tools to offer, by their names or globs such as get_*. Empty: all that are switched on."""
    exclude_tools: Names = Field(default=(), validation_alias="ROOKERY_SLACK_EXCLUDE_TOOLS")
    """Tools to leave out, by their names or globs; stronger than the list of those to offer."""
