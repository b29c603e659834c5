"""Settings of the Slack bot, in addition to the agent's."""

from __future__ import annotations

from typing import ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr

from rookery.settings import AgentSettings
from rookery_core.settings import CommaSeparated
from rookery_slackapi.settings import SlackApiSettings


class BotSettings(AgentSettings, SlackApiSettings):
    """Tokens, limits and behaviour of the bot. Times are in seconds, sizes in bytes."""

    section: ClassVar[str] = "slack"

    signing_secret: SecretStr | None = Field(default=None, validation_alias="SLACK_SIGNING_SECRET")
    """The app's signing secret, for the Events API over HTTP."""
    slack_http_host: str = Field(default="127.0.0.1", validation_alias="ROOKERY_SLACK_HTTP_HOST")
    """Address on which the Events API is received."""
    slack_http_port: int = Field(default=3000, ge=0, le=65535, validation_alias="ROOKERY_SLACK_HTTP_PORT")
    """Port on which the Events API is received."""

    workers: int = Field(default=8, ge=1, le=256, validation_alias="ROOKERY_SLACK_WORKERS")
    """Questions that one process of the bot answers at once."""
    max_attempts: int = Field(default=4, ge=1, le=20)
    """Attempts at a question before the asker is informed that it failed."""
    retry_base_s: float = Field(default=2.0, gt=0)
    """Seconds before the first retry; doubled for each one after it, with jitter."""
    lease_s: float = Field(default=30.0, ge=1)
    """Seconds until the question of a dead worker is taken over; a live worker extends its lease."""

    streaming: bool = Field(default=True, validation_alias="ROOKERY_SLACK_STREAMING")
    """Whether answers are streamed while the model writes them."""
    stream_interval_s: float = Field(default=0.8, ge=0)
    """Seconds between two additions to a streamed answer."""
    on_edit: Literal["answer", "ignore"] = Field(default="answer", validation_alias="ROOKERY_SLACK_ON_EDIT")
    """Edited questions: answer the new text, in place of an earlier answer, or ignore the edit."""
    follow_ups: bool = Field(default=False, validation_alias="ROOKERY_SLACK_FOLLOW_UPS")
    """Whether a reply in a thread the bot has answered in counts as a question without a mention."""
    follow_up_channels: CommaSeparated = Field(
        default=(), validation_alias="ROOKERY_SLACK_FOLLOW_UP_CHANNELS"
    )
    """Channels in which follow-ups need no mention, even when ROOKERY_SLACK_FOLLOW_UPS is false."""
    proactive_channels: CommaSeparated = Field(
        default=(), validation_alias="ROOKERY_SLACK_PROACTIVE_CHANNELS"
    )
    """Channels in which the bot offers answers to open questions; only the author sees the offer."""
    admins: CommaSeparated = Field(default=(), validation_alias="ROOKERY_SLACK_ADMINS")
    """Ids of the people who may use the administrative slash commands from the start."""
    feedback_channel: str | None = Field(default=None, validation_alias="ROOKERY_SLACK_FEEDBACK_CHANNEL")
    """Channel to which comments on answers are posted."""
    feedback_reminder_hour: int | None = Field(
        default=None, ge=0, le=23, validation_alias="ROOKERY_SLACK_FEEDBACK_REMINDER_HOUR"
    )
    """Hour of the asker's local day for one daily reminder of answers without feedback; unset: never."""

    user_limit: int = Field(default=30, ge=0, validation_alias="ROOKERY_SLACK_USER_LIMIT")
    """Maximum questions of one person in the window; 0: no limit. Refused ones do not count."""
    channel_limit: int = Field(default=120, ge=0, validation_alias="ROOKERY_SLACK_CHANNEL_LIMIT")
    """Maximum questions in one channel in the window; 0: no limit."""
    limit_window_s: float = Field(default=600.0, gt=0)
    """Seconds over which questions are counted."""

    thread_messages: int = Field(default=60, ge=1, le=1000)
    """Maximum messages of the thread for the model; the newest ones are kept."""
    thread_tokens: int = Field(default=8000, ge=200)
    """Maximum tokens of the thread for the model."""
    file_bytes: int = Field(default=8_000_000, ge=0)
    """Maximum size of an attachment, in bytes."""
    files_per_question: int = Field(default=5, ge=0)
    """Maximum attachments read for one question."""
    file_tokens: int = Field(default=12_000, ge=100)
    """Maximum tokens of one attachment for the model."""
    memory: bool = Field(default=True, validation_alias="ROOKERY_SLACK_MEMORY")
    """Whether the memory server stores questions and answers, and recalls them for later questions."""
    calendar_url: SecretStr | None = Field(default=None, validation_alias="ROOKERY_CALENDAR_URL")
    """ICS address of the team's calendar; the bot gets a tool that reads it."""
    rules: bool = Field(default=True, validation_alias="ROOKERY_SLACK_RULES")
    """Whether people may create standing rules."""
    rule_hourly_limit: int = Field(default=10, ge=1)
    """Maximum runs of one rule per hour."""

    @property
    def follow_edits(self) -> bool:
        """Whether an edited question is answered again."""
        return self.on_edit == "answer"

    def is_slack_url(self, url: str) -> bool:
        """Whether an address that Slack gave leads to Slack (or to the emulator that stands in for it)."""
        try:
            parts, api = urlsplit(url), urlsplit(self.slack_api_url)
        except ValueError:
            return False
        if self.emulated and (parts.scheme, parts.netloc) == (api.scheme, api.netloc):
            return True
        return parts.scheme == "https" and parts.netloc in ("hooks.slack.com", "slack.com", "files.slack.com")
