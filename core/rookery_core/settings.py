"""Settings that every part shares, read once at start from the environment and rookery.toml, never at import."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self, get_args

from pydantic import BeforeValidator, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from rookery_core.environment_file import load_environment_file
from rookery_core.errors import ConfigurationError
from rookery_core.identity.caller import DEFAULT_TEAM
from rookery_core.renamed_settings import renamed_values
from rookery_core.settings_file import SettingsFile, read_settings_file, refuse_unknown_keys

logger = logging.getLogger(__name__)


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


class _NamedVariables(EnvSettingsSource):
    """Reads the variables that fields name. A field that names none is set in rookery.toml only."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        if field.validation_alias is None:
            return None, field_name, False
        return super().get_field_value(field, field_name)


class CoreSettings(BaseSettings):
    """The settings that core reads. Packages subclass it to add fields; a field without an alias has no variable.

    section: the section of rookery.toml that a class reads, besides those of its base classes.
    file_keys: keys of the section that are spelled differently from their field.
    """

    model_config = SettingsConfigDict(extra="ignore", populate_by_name=True, hide_input_in_errors=True)
    section: ClassVar[str] = ""
    file_keys: ClassVar[dict[str, str]] = {}

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
    """Embedding provider: the local model (wordllama), an OpenAI-compatible endpoint, or none (lexical search only).
    auto: openai when ROOKERY_EMBEDDING_BASE_URL is set, else wordllama."""
    embedding_model: str | None = Field(default=None, validation_alias="ROOKERY_EMBEDDING_MODEL")
    """Name of the embedding model; default: the embedder's own."""
    embedding_base_url: str | None = Field(default=None, validation_alias="ROOKERY_EMBEDDING_BASE_URL")
    """Base URL of the embeddings endpoint where it is not OPENAI_BASE_URL."""
    openai_api_key: SecretStr | None = Field(default=None, validation_alias="OPENAI_API_KEY")
    """Key for models of the agent, and for embeddings with ROOKERY_EMBEDDER=openai."""
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
    tools: Names = Field(default=(), validation_alias="ROOKERY_TOOLS")
    """The only tools that a server offers, by their names or globs such as get_*. Empty: all that are switched on.
    The flag --tools of a server overrides it."""
    exclude: Names = Field(default=(), validation_alias="ROOKERY_EXCLUDE")
    """What a server leaves out, by names or globs: tools, prompts (prompts:NAME) and resources (resources:NAME).
    Overrides the list of tools to offer; the flag --exclude of a server overrides this variable."""
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="warning", validation_alias="ROOKERY_LOG_LEVEL"
    )
    """How much is logged, on standard error."""
    log_format: Literal["text", "json"] = Field(default="text", validation_alias="ROOKERY_LOG_FORMAT")
    """Log lines for people or for machines."""

    environment_file: str | None = Field(default=None, validation_alias="ROOKERY_ENV_FILE")
    """A file of NAME=value lines for variables that are not set; empty: none. Default: ./.env, once trusted."""
    config_file: Path | None = Field(default=None, validation_alias="ROOKERY_CONFIG")
    """The file with settings that have no variable, and prices; default: ./rookery.toml where there is one."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, _NamedVariables(settings_cls)

    @classmethod
    def from_environment(cls, **overrides: Any) -> Self:
        """Read the settings: overrides first, then the environment and its file, then rookery.toml.

        Raises ConfigurationError that names the variable, or the file and its key, and what it takes.
        """
        load_environment_file()
        values, origins = cls._file_values(read_settings_file(overrides.get("config_file")))
        sections = {part.section for part in cls._parts()}
        renamed, warnings = renamed_values(sections, cls.model_fields, os.environ)
        values |= renamed
        for warning in warnings:
            logger.warning("%s", warning)
        for name in values.keys() - overrides.keys():
            if not os.environ.get(str(cls.model_fields[name].validation_alias)):
                overrides[name] = values[name]
        try:
            return cls(**overrides)
        except ValidationError as error:
            raise ConfigurationError(
                _explain(error, origins), hint="docs/configuration.md describes every setting."
            ) from None

    @classmethod
    def check_file(cls, file: SettingsFile) -> None:
        """Raises ConfigurationError for a key in the sections of this class that is not one of its settings."""
        cls._file_values(file)

    @classmethod
    def _file_values(cls, file: SettingsFile) -> tuple[dict[str, Any], dict[str, str]]:
        """The values of the sections of this class by field, and where each one stands."""
        values: dict[str, Any] = {}
        origins: dict[str, str] = {}
        for part in cls._parts():
            where = f"{file.path}: [{part.section}]"
            section = file.section(part.section)
            fields = {name for name, field in part.model_fields.items() if not is_secret(field)}
            for key in section:
                if key in part.model_fields and key not in fields:
                    raise ConfigurationError(
                        f"{where}: {key} is a secret.",
                        hint=f"Set the variable {part.model_fields[key].validation_alias}.",
                    )
            refuse_unknown_keys(
                section, (fields - set(part.file_keys.values())) | part.file_keys.keys(), where
            )
            for key, value in section.items():
                name = part.file_keys.get(key, key)
                values[name] = tuple(value) if isinstance(value, list) else value  # pyright: ignore[reportUnknownArgumentType] pydantic checks it
                origins[name] = f"{where} {key}"
        return values, origins

    @classmethod
    def _parts(cls) -> Iterator[type[CoreSettings]]:
        """The classes of this one that read a section, the most general first."""
        for part in reversed(cls.__mro__):
            if issubclass(part, CoreSettings) and part.__dict__.get("section"):
                yield part


def is_secret(field: FieldInfo) -> bool:
    """Whether a field holds a secret, by its type."""
    return SecretStr in (field.annotation, *get_args(field.annotation))


def _explain(error: ValidationError, origins: Mapping[str, str]) -> str:
    problems: list[str] = []
    for item in error.errors(include_input=False):
        name, *path = map(str, item["loc"] or ("settings",))
        place = ".".join([origins.get(name, name), *path])
        problems.append(f"{place}: {item['msg'].removeprefix('Value error, ')}")
    return "Invalid settings: " + "; ".join(problems) + "."
