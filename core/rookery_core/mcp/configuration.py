"""mcp.json, in the format other clients use. An unknown key is an error that names it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self, cast

from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from rookery_core import jsonc
from rookery_core.errors import ConfigurationError
from rookery_core.suggestions import suggest

_VARIABLE = re.compile(r"\$\{(?:env:)?([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
_UNKNOWN_VARIABLE = re.compile(r"\$\{[^}]*\}")
_TYPES = {"streamableHttp": "streamable-http", "streamable_http": "streamable-http", "local": "stdio"}
"""Other clients' names for the same transports."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")

Prefix = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{0,32}$")]


class ToolSettings(BaseModel):
    """Settings of one tool of a server. confirm: None follows the tool's annotations."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    timeout_s: float | None = Field(default=None, gt=0)
    output_tokens: int | None = Field(default=None, ge=100)
    confirm: bool | None = None


class ServerEntry(BaseModel):
    """One server: a command over stdio, or a url over HTTP.

    prefix: put before the names of its tools (default: the server's name; "" for none). internal_only: not used
    for questions from channels shared with outsiders. allowed_tools: only these (default: all). audience: the name
    under which the server checks signed askers; without it, the server does not learn who asks.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    type: Literal["stdio", "http", "streamable-http", "sse"] | None = Field(
        default=None, validation_alias=AliasChoices("type", "transport")
    )
    command: str | None = None
    args: tuple[str, ...] = ()
    env: dict[str, str] = Field(default_factory=dict)
    cwd: str | None = None
    url: str | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    description: str | None = None
    disabled: bool = False
    internal_only: bool = False
    allowed_tools: tuple[str, ...] | None = None
    prefix: Prefix | None = Field(default=None, validation_alias=AliasChoices("prefix", "tool_prefix"))
    audience: str | None = None
    timeout_s: float | None = Field(
        default=None, gt=0, le=3600, validation_alias=AliasChoices("timeout_s", "timeout")
    )
    output_tokens: int | None = Field(default=None, ge=100)
    tools: dict[str, ToolSettings] = Field(default_factory=dict[str, ToolSettings])

    @field_validator("type", mode="before")
    @classmethod
    def _by_its_usual_name(cls, value: Any) -> Any:
        return _TYPES.get(value, value) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_way_to_reach_it(self) -> Self:
        if (self.command is None) == (self.url is None):
            raise ValueError("a server needs either command (stdio) or url (HTTP)")
        if self.command is None and (self.args or self.env or self.cwd):
            raise ValueError("args, env and cwd go with command, not with url")
        if self.url is None and self.headers:
            raise ValueError("headers go with url, not with command")
        if self.type is not None and (self.type == "stdio") != (self.command is not None):
            raise ValueError(f"type {self.type!r} does not go with {'command' if self.command else 'url'}")
        if self.url is not None and not self.url.startswith(("http://", "https://")):
            raise ValueError("url must begin with http:// or https://")
        return self


_SERVER_KEYS = {*ServerEntry.model_fields, "transport", "tool_prefix", "timeout"}


@dataclass(frozen=True, slots=True)
class NamedServer:
    """An entry and its name. own: a server of this installation, which receives Rookery's variables."""

    name: str
    entry: ServerEntry
    own: bool = False

    @property
    def prefix(self) -> str:
        return self.name if self.entry.prefix is None else self.entry.prefix


def read_servers(path: Path) -> list[NamedServer]:
    """The enabled servers of an mcp.json. Raises ConfigurationError that names the file, the server and the key."""
    try:
        document = jsonc.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigurationError(f"Cannot read {path}: {error.strerror}.") from None
    except ValueError as error:
        raise ConfigurationError(
            f"{path} is not JSON: {error}.",
            hint="Look for a missing comma, quote or bracket just before that place.",
        ) from None
    return parse_servers(document, source=str(path))


def parse_servers(
    document: Any, environment: Mapping[str, str] = os.environ, *, source: str = "mcp.json"
) -> list[NamedServer]:
    """The enabled servers of a document that is already decoded. Raises ConfigurationError."""
    servers: list[NamedServer] = []
    for name, raw in _entries(document, source).items():
        where = f"{source}: server {name!r}"
        if not _NAME.fullmatch(name):
            raise ConfigurationError(f"{where}: a name may contain only letters, digits, '_', '-' and '.'.")
        if isinstance(raw, dict) and raw.get("disabled") is True:  # pyright: ignore[reportUnknownMemberType]
            _refuse_unknown_keys(raw, where)  # pyright: ignore[reportUnknownArgumentType]
            continue
        entry = _checked(_expanded(raw, environment, where), where)
        if not entry.disabled:
            servers.append(NamedServer(name, entry))
    return servers


def _entries(document: Any, source: str) -> dict[str, Any]:
    if not isinstance(document, dict):
        raise ConfigurationError(f"{source} must be an object with the key 'mcpServers'.")
    table = cast(dict[str, Any], document)
    for key in table:
        if key not in ("mcpServers", "servers", "inputs", "$schema"):
            raise ConfigurationError(
                f"{source}: unknown key {key!r}.", hint="Put servers under 'mcpServers' (or 'servers')."
            )
    servers = table.get("mcpServers", table.get("servers"))
    if not isinstance(servers, dict):
        raise ConfigurationError(f"{source}: 'mcpServers' must be an object.")
    return servers  # pyright: ignore[reportUnknownVariableType] keys of a JSON object are strings


def _checked(raw: Any, where: str) -> ServerEntry:
    try:
        return ServerEntry.model_validate(raw)
    except ValidationError as error:
        details = error.errors(include_input=False, include_url=False)
    for detail in details:
        if detail["type"] == "extra_forbidden":
            raise _unknown_key(where, tuple(map(str, detail["loc"])))
    raise ConfigurationError(
        f"{where}: {'; '.join(_problem(detail['loc'], detail['msg']) for detail in details)}.",
        hint="docs/customising.md lists every key.",
    )


def _problem(location: tuple[int | str, ...], message: str) -> str:
    place, message = ".".join(map(str, location)), message.removeprefix("Value error, ")
    return f"{place}: {message}" if place else message


def _refuse_unknown_keys(raw: dict[str, Any], where: str) -> None:
    """A disabled server may lack its variables, but its keys must be right."""
    if unknown := sorted(raw.keys() - _SERVER_KEYS):
        raise _unknown_key(where, (unknown[0],))


def _unknown_key(where: str, place: tuple[str, ...]) -> ConfigurationError:
    allowed = _SERVER_KEYS if len(place) == 1 else set(ToolSettings.model_fields)
    return ConfigurationError(
        f"{where}: unknown key {'.'.join(place)!r}.",
        hint=f"Allowed keys: {', '.join(sorted(allowed))}.",
        candidates=suggest(place[-1], allowed, count=2),
    )


def _expanded(value: Any, environment: Mapping[str, str], where: str) -> Any:
    if isinstance(value, str):
        for written in _UNKNOWN_VARIABLE.findall(value):
            if not _VARIABLE.fullmatch(written):
                raise _no_such_variable(written, where)
        return _VARIABLE.sub(lambda match: _value_of(match, environment, where), value)
    if isinstance(value, list):
        return [_expanded(item, environment, where) for item in cast(list[Any], value)]
    if isinstance(value, dict):
        return {key: _expanded(item, environment, where) for key, item in cast(dict[str, Any], value).items()}
    return value


def _no_such_variable(written: str, where: str) -> ConfigurationError:
    """A variable that an editor would fill in from its user or window."""
    return ConfigurationError(
        f"{where}: {written} is not an environment variable.", hint="Use ${NAME} or ${NAME:-default}."
    )


def _value_of(match: re.Match[str], environment: Mapping[str, str], where: str) -> str:
    name, default = match.group(1), match.group(2)
    value = environment.get(name) or default
    if value is None:
        raise ConfigurationError(
            f"{where}: the environment variable {name} is not set.",
            hint=f'Set it, write ${{{name}:-default}}, or disable the server with "disabled": true.',
        )
    return value
