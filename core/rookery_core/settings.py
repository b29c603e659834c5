"""Settings that every part shares, read once at start from the environment (and `.env`), never at import."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from rookery_core.errors import ConfigurationError
from rookery_core.identity.caller import DEFAULT_TEAM


def _split(value: object) -> object:
    return (
        tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value
    )


CommaSeparated = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
"""A variable that holds several values, separated by commas."""


def _words(value: object) -> object:
    return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_words)]
"""A variable that holds several names, separated by commas or spaces."""


def default_data_dir() -> Path:
    """Where the embedded database lives when ROOKERY_DATA_DIR is not set: the user's own data folder."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "rookery"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home())) / "rookery"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "rookery"


class CoreSettings(BaseSettings):
    """What core reads. Packages subclass it to add their own fields; `from_environment` reads either."""

    model_config = SettingsConfigDict(extra="ignore", populate_by_name=True, hide_input_in_errors=True)

    database_url: SecretStr | None = Field(default=None, validation_alias="DATABASE_URL")
    """PostgreSQL 16 or newer with pgvector. Unset: the embedded server starts by itself."""
    data_dir: Path = Field(default_factory=default_data_dir, validation_alias="ROOKERY_DATA_DIR")
    """Folder of the embedded database; default: the user's data folder (on Linux ~/.local/share/rookery)."""
    database_idle_s: float = Field(default=600.0, ge=0, validation_alias="ROOKERY_DATABASE_IDLE_S")
    """Seconds without clients after which the embedded server stops; 0 lets it run."""
    team: str = Field(default=DEFAULT_TEAM, min_length=1, validation_alias="ROOKERY_TEAM")
    """The tenant whose data this program reads and writes."""
    embedder: Literal["auto", "wordllama", "openai", "none"] = Field(
        default="auto", validation_alias="ROOKERY_EMBEDDER"
    )
    """What makes vectors: the local model, an OpenAI-compatible endpoint, or nothing (keyword search
    only). auto: openai when OPENAI_API_KEY is set, else wordllama."""
    embedding_model: str | None = Field(default=None, validation_alias="ROOKERY_EMBEDDING_MODEL")
    """Name of the embedding model; default: the embedder's own."""
    embedding_base_url: str | None = Field(default=None, validation_alias="ROOKERY_EMBEDDING_BASE_URL")
    """Base URL of the embeddings endpoint where it is not OPENAI_BASE_URL."""
    openai_api_key: SecretStr | None = Field(default=None, validation_alias="OPENAI_API_KEY")
    """Key for embeddings, and for models of the agent."""
    openai_base_url: str | None = Field(default=None, validation_alias="OPENAI_BASE_URL")
    """Any compatible endpoint (Ollama, vLLM, a gateway)."""
    http_tokens: SecretStr | None = Field(default=None, validation_alias="ROOKERY_HTTP_TOKENS")
    """Who may call a hosted server: JSON, or @file with JSON; made with `rookery token new`. (compose)"""
    context_key: SecretStr | None = Field(default=None, validation_alias="ROOKERY_CONTEXT_KEY")
    """Shared by the bot and the servers: signs for whom the bot asks; at least 32 bytes. (compose)"""
    jwt_jwks_url: str | None = Field(default=None, validation_alias="ROOKERY_JWT_JWKS_URL")
    """Where the keys of an identity provider are, to accept its JWTs as tokens."""
    jwt_issuer: str | None = Field(default=None, validation_alias="ROOKERY_JWT_ISSUER")
    """The issuer that those JWTs must name."""
    jwt_audience: str | None = Field(default=None, validation_alias="ROOKERY_JWT_AUDIENCE")
    """The audience that those JWTs must name."""
    allowed_hosts: CommaSeparated = Field(default=(), validation_alias="ROOKERY_ALLOWED_HOSTS")
    """Names under which a hosted server may be reached besides loopback (its Host header)."""
    allowed_origins: CommaSeparated = Field(default=(), validation_alias="ROOKERY_ALLOWED_ORIGINS")
    """Browser origins that may call a hosted server."""
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="warning", validation_alias="ROOKERY_LOG_LEVEL"
    )
    """How much is logged, on standard error."""
    log_format: Literal["text", "json"] = Field(default="text", validation_alias="ROOKERY_LOG_FORMAT")
    """Log lines for people or for machines."""

    @classmethod
    def from_environment(cls, **overrides: Any) -> Self:
        """Read the settings. Raises ConfigurationError that names the variable and what it takes."""
        try:
            return cls(**overrides)
        except ValidationError as error:
            raise ConfigurationError(_explain(error), hint="See .env.example for every variable.") from None


def _explain(error: ValidationError) -> str:
    problems = [
        f"{'.'.join(map(str, item['loc']))}: {item['msg'].removeprefix('Value error, ')}"
        for item in error.errors(include_input=False)
    ]
    return "Settings are not usable: " + "; ".join(problems) + "."
