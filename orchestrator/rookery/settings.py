"""The settings of the orchestrator, besides those that every part shares."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, SecretStr, field_validator

from rookery_core.identity.user_ids import checked_user_id
from rookery_core.settings import CommaSeparated, CoreSettings

ANTHROPIC_MODEL = "claude-sonnet-5-5"
OPENAI_MODEL = "gpt-5.4-mini"


class AgentSettings(CoreSettings):
    """Settings of the agent, its models and its limits. Times are in seconds, money in US dollars."""

    section: ClassVar[str] = "agent"
    file_keys: ClassVar[dict[str, str]] = {"class": "agent_class"}

    anthropic_api_key: SecretStr | None = Field(default=None, validation_alias="ANTHROPIC_API_KEY")
    """Key for Claude, the default model."""
    anthropic_base_url: str | None = Field(default=None, validation_alias="ANTHROPIC_BASE_URL")
    """Another endpoint that speaks Anthropic's API."""
    model: str | None = Field(default=None, validation_alias="ROOKERY_MODEL")
    """`provider:name`, several separated by commas are tried in order: `anthropic:…`, `openai:…`
    (Chat Completions), `openai-responses:…`, `extractive`. None: chosen by the keys that are set."""
    thinking: str = Field(
        default="off", pattern=r"^(off|adaptive|\d{4,6})$", validation_alias="ROOKERY_THINKING"
    )
    """off, adaptive, or the number of tokens that the model may think, on top of its answer."""
    max_output_tokens: int = Field(default=8192, ge=64)
    """Most tokens of one model answer; at most a quarter of the model's window."""
    context_tokens: int | None = Field(default=None, ge=4000)
    """The model's window; None: what is known of the model."""
    model_timeout_s: float = Field(default=120.0, gt=0)
    """Seconds that one request to a model may take."""
    model_retries: int = Field(default=2, ge=0, le=10)
    """How often a failed request is tried again before the next model of the chain is asked."""

    mcp_config: Path | None = Field(default=None, validation_alias="ROOKERY_MCP_CONFIG")
    """The servers to use, in the form other clients write (mcpServers); default: ./mcp.json, else
    Rookery's own four."""
    prompts_dir: Path | None = Field(default=None, validation_alias="ROOKERY_PROMPTS_DIR")
    """A folder whose system*.md and user*.md supplement or replace the packaged prompts."""
    as_user: str | None = Field(default=None, validation_alias="ROOKERY_AS_USER")
    """The person for whom `ask` and `chat` ask the servers."""

    answer_timeout_s: float = Field(default=300.0, gt=0)
    """Seconds that a whole answer may take."""
    tool_timeout_s: float = Field(default=30.0, gt=0)
    """Seconds that one tool call may take."""
    tool_output_tokens: int = Field(default=6000, ge=200)
    """Tokens of one tool result that the model is given; the rest is paged."""
    parallel_tools: int = Field(default=8, ge=1)
    """Maximum number of tool calls at once in one run."""
    subagents: bool = True
    """Whether the model may hand parts of a question to separate runs; their cost counts for the question."""
    max_model_requests: int = Field(default=20, ge=1)
    """Most requests to a model in one run; a part of a question has its own count of at most 12."""
    max_run_tokens: int | None = Field(default=None, ge=1)
    """Most tokens that one run may use."""
    max_run_usd: float | None = Field(default=None, gt=0, validation_alias="ROOKERY_MAX_RUN_USD")
    """Maximum cost of one run in US dollars."""
    max_user_day_usd: float | None = Field(default=None, gt=0, validation_alias="ROOKERY_MAX_USER_DAY_USD")
    """Maximum cost of one person's questions per day (UTC) in US dollars."""
    max_day_usd: float | None = Field(default=None, gt=0, validation_alias="ROOKERY_MAX_DAY_USD")
    """Maximum cost of all questions per day (UTC) in US dollars."""

    link_hosts: CommaSeparated = Field(default=(), validation_alias="ROOKERY_LINK_HOSTS")
    """Hosts to which an answer may link although no tool gave the link as an item's own address."""
    unconfirmed_tools: CommaSeparated = Field(default=(), validation_alias="ROOKERY_UNCONFIRMED_TOOLS")
    """Writing tools that run without the asker's confirmation (`memory_remember`)."""
    tool_pins: Literal["off", "warn", "enforce"] = Field(default="warn", validation_alias="ROOKERY_TOOL_PINS")
    """What happens when a foreign server changes the description of a tool: off, warn (it is used and reported), or
    enforce (it is not used until `rookery pins --accept SERVER`)."""
    extract_facts: bool = True
    """Whether a model, where there is one, draws facts from the conversations that the memory server stores."""
    traces: bool = Field(default=True, validation_alias="ROOKERY_TRACES")
    """Whether runs are recorded for `rookery trace`."""

    agent_class: str | None = None
    """A subclass of Agent that answers, as "package.module:Class"; in rookery.toml `class`."""

    @field_validator("as_user")
    @classmethod
    def _is_an_id(cls, user: str | None) -> str | None:
        return checked_user_id(user) if user else None
