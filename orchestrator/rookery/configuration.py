"""rookery.toml: settings that are not secret, prices, and the class of one's own agent.

    [agent]                        # any setting of the agent, by the name of its field
    model = "anthropic:claude-sonnet-5-5,extractive"
    link_hosts = ["wiki.acme.example"]
    class = "acme.agent:AcmeAgent"

    [slack]                        # any setting of the Slack bot
    follow_ups = true

    [prices."claude-sonnet-5-5"]   # US dollars for a million tokens
    input = 3.0
    output = 15.0

A variable of the environment wins over the file. An unknown key is an error that names it.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from rookery.models.pricing import Price
from rookery_core.errors import ConfigurationError

FILE = "rookery.toml"
_SECTIONS = ("agent", "slack", "prices")
_PRICE_KEYS = ("input", "output", "cache_read", "cache_write")


@dataclass(frozen=True, slots=True)
class Configuration:
    """What the file says. values: settings by field, of both sections."""

    path: Path | None = None
    values: Mapping[str, Any] = field(default_factory=dict[str, Any])
    prices: Mapping[str, Price] = field(default_factory=dict[str, Price])
    agent_class: str | None = None

    def for_fields(self, fields: Collection[str]) -> dict[str, Any]:
        """The values of these fields."""
        return {name: value for name, value in self.values.items() if name in fields}


def configuration_path(named: str | Path | None = None) -> Path | None:
    """The file: the one named (or ROOKERY_CONFIG), else ./rookery.toml where there is one."""
    chosen = named or os.environ.get("ROOKERY_CONFIG")
    if chosen:
        return Path(chosen)
    return Path(FILE) if Path(FILE).is_file() else None


def read_configuration(
    path: Path | None, agent_fields: Collection[str], slack_fields: Collection[str]
) -> Configuration:
    """Read the file. Raises ConfigurationError that names the file, the section and the key."""
    if path is None:
        return Configuration()
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"Cannot read {path}: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not TOML: {error}.") from None
    _refuse_unknown(document, _SECTIONS, str(path))
    agent, slack = _section(document, "agent", path), _section(document, "slack", path)
    agent_class = agent.pop("class", None)
    _refuse_unknown(agent, agent_fields, f"{path}: [agent]")
    _refuse_unknown(slack, {*agent_fields, *slack_fields}, f"{path}: [slack]")
    values = {
        name: tuple(cast(list[Any], value)) if isinstance(value, list) else value
        for name, value in {**agent, **slack}.items()
    }
    return Configuration(path, values, _prices(_section(document, "prices", path), path), agent_class)


def _section(document: Mapping[str, Any], name: str, path: Path) -> dict[str, Any]:
    section = document.get(name, {})
    if not isinstance(section, dict):
        raise ConfigurationError(f"{path}: {name} must be a section, [{name}].")
    return dict(cast(dict[str, Any], section))


def _refuse_unknown(found: Mapping[str, Any], known: Collection[str], where: str) -> None:
    from difflib import get_close_matches

    for key in found:
        if key not in known:
            raise ConfigurationError(
                f"{where}: unknown key {key!r}.", candidates=get_close_matches(key, list(known), 3)
            )


def _prices(section: Mapping[str, Any], path: Path) -> dict[str, Price]:
    prices: dict[str, Price] = {}
    for model, told in section.items():
        where = f"{path}: [prices.{model!r}]"
        if not isinstance(told, dict):
            raise ConfigurationError(f"{where} must be a section.")
        table = cast(dict[str, Any], told)
        _refuse_unknown(table, _PRICE_KEYS, where)
        if not all(isinstance(value, int | float) and value >= 0 for value in table.values()):
            raise ConfigurationError(f"{where}: prices are US dollars for a million tokens, as numbers.")
        if not {"input", "output"} <= table.keys():
            raise ConfigurationError(f"{where}: input and output are needed.")
        prices[model] = Price(**table)
    return prices
