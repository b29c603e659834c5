"""What the Slack bot reads from its environment, on top of what the agent reads."""

from __future__ import annotations

from typing import ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr

from rookery.settings import AgentSettings
from rookery_core.settings import CommaSeparated
from rookery_slackapi.settings import SlackApiSettings


class BotSettings(AgentSettings, SlackApiSettings):
    """Tokens, limits and habits of the bot. Times are in seconds, sizes in bytes."""

    section: ClassVar[str] = "slack"

    signing_secret: SecretStr | None = Field(default=None, validation_alias="SLACK_SIGNING_SECRET")
    """The app's signing secret, for the Events API over HTTP."""
    slack_http_host: str = Field(default="127.0.0.1", validation_alias="ROOKERY_SLACK_HTTP_HOST")
    """Address on which the Events API is received."""
    slack_http_port: int = Field(default=3000, ge=0, le=65535, validation_alias="ROOKERY_SLACK_HTTP_PORT")
    """Port on which the Events API is received."""

    workers: int = Field(default=8, ge=1, le=256, validation_alias="ROOKERY_SLACK_WORKERS")
    """Questions that one process of the bot answers at once."""
    max_attempts: int = Field(default=4, ge=1, le=20, validation_alias="ROOKERY_SLACK_MAX_ATTEMPTS")
    """How often a question is tried before the asker is told that it failed."""
    retry_base_s: float = Field(default=2.0, gt=0, validation_alias="ROOKERY_SLACK_RETRY_BASE_S")
    """Seconds before the first retry; doubled for each one after it, with jitter."""
    lease_s: float = Field(default=30.0, ge=1, validation_alias="ROOKERY_SLACK_LEASE_S")
    """How long a worker that has died keeps its question; a living one prolongs the lease by itself."""

    streaming: bool = Field(default=True, validation_alias="ROOKERY_SLACK_STREAMING")
    """Whether answers appear while they are written."""
    stream_interval_s: float = Field(default=0.8, ge=0, validation_alias="ROOKERY_SLACK_STREAM_INTERVAL_S")
    """Seconds between two additions to a streamed answer."""
    on_edit: Literal["answer", "ignore"] = Field(default="answer", validation_alias="ROOKERY_SLACK_ON_EDIT")
    """What an edited question leads to: an answer to the new text (in place, where it was answered), or nothing."""
    follow_ups: bool = Field(default=False, validation_alias="ROOKERY_SLACK_FOLLOW_UPS")
    """Whether a reply in a thread the bot has answered in counts as a question without a mention."""
    follow_up_channels: CommaSeparated = Field(
        default=(), validation_alias="ROOKERY_SLACK_FOLLOW_UP_CHANNELS"
    )
    """Channels in which follow-ups need no mention, whatever ROOKERY_SLACK_FOLLOW_UPS says."""
    proactive_channels: CommaSeparated = Field(
        default=(), validation_alias="ROOKERY_SLACK_PROACTIVE_CHANNELS"
    )
    """Channels in which the bot offers its help, to the author alone, without being mentioned."""
    admins: CommaSeparated = Field(default=(), validation_alias="ROOKERY_SLACK_ADMINS")
    """Ids of the people who may use the administrative slash commands from the start."""
    feedback_channel: str | None = Field(default=None, validation_alias="ROOKERY_SLACK_FEEDBACK_CHANNEL")
    """Channel that is told about feedback."""
    feedback_reminder_hour: int | None = Field(
        default=None, ge=0, le=23, validation_alias="ROOKERY_SLACK_FEEDBACK_REMINDER_HOUR"
    )
    """Hour of the asker's own day at which they are reminded, once a day, of answers without feedback; unset: never."""

    user_limit: int = Field(default=30, ge=0, validation_alias="ROOKERY_SLACK_USER_LIMIT")
    """Questions of one person in `limit_window_s`; 0: no limit. Refused ones do not count."""
    channel_limit: int = Field(default=120, ge=0, validation_alias="ROOKERY_SLACK_CHANNEL_LIMIT")
    """Questions of one channel in ROOKERY_SLACK_LIMIT_WINDOW_S; 0: no limit."""
    limit_window_s: float = Field(default=600.0, gt=0, validation_alias="ROOKERY_SLACK_LIMIT_WINDOW_S")
    """Seconds over which questions are counted."""

    thread_messages: int = Field(default=60, ge=1, le=1000, validation_alias="ROOKERY_SLACK_THREAD_MESSAGES")
    """Messages of the thread, the newest, that are given to the model."""
    thread_tokens: int = Field(default=8000, ge=200, validation_alias="ROOKERY_SLACK_THREAD_TOKENS")
    """Tokens of the thread that are given to the model."""
    file_bytes: int = Field(default=8_000_000, ge=0, validation_alias="ROOKERY_SLACK_FILE_BYTES")
    """Largest attachment that is read, in bytes."""
    files_per_question: int = Field(default=5, ge=0, validation_alias="ROOKERY_SLACK_FILES_PER_QUESTION")
    """Most attachments that are read for one question."""
    file_tokens: int = Field(default=12_000, ge=100, validation_alias="ROOKERY_SLACK_FILE_TOKENS")
    """Tokens of one attachment that are given to the model."""
    memory: bool = Field(default=True, validation_alias="ROOKERY_SLACK_MEMORY")
    """Whether questions and answers are kept by the memory server, and recalled when the room asks again."""
    calendar_url: SecretStr | None = Field(default=None, validation_alias="ROOKERY_CALENDAR_URL")
    """Address of the team's calendar (ICS), which the bot can then look into."""
    rules: bool = Field(default=True, validation_alias="ROOKERY_SLACK_RULES")
    """Whether people may set up standing rules in plain words."""
    rule_hourly_limit: int = Field(default=10, ge=1, validation_alias="ROOKERY_SLACK_RULE_HOURLY_LIMIT")
    """How often one rule may act in an hour."""

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
