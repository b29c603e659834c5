"""rookery.toml: settings that are not secret, in one section for each part that reads them.

    [agent]                        # any setting of the agent, by the name of its field
    model = "anthropic:claude-sonnet-5-5,extractive"
    class = "acme.agent:AcmeAgent"

    [slack]                        # any setting of the Slack bot
    follow_ups = true

    [github]                       # tuning of a server
    timeout_s = 30

    [prices."claude-sonnet-5-5"]   # US dollars per million tokens
    input = 3.0
    output = 15.0

An environment variable overrides the file. An unknown key is an error that names it.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from rookery_core.errors import ConfigurationError
from rookery_core.suggestions import suggest
from rookery_core.trust import require_trusted

FILE = "rookery.toml"
VARIABLE = "ROOKERY_CONFIG"
SECTIONS = ("agent", "slack", "slack-server", "docs", "github", "memory", "ingest", "prices")
"""The parts that read the file, and the prices of models. Each part checks the keys of the sections that it reads."""


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """The content of the file; empty without one."""

    path: Path | None = None
    sections: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])

    def section(self, name: str) -> dict[str, Any]:
        """The keys and values of a section; empty when the file does not have it."""
        return dict(self.sections.get(name, {}))


def read_settings_file(named: str | Path | None = None) -> SettingsFile:
    """Read the named file, else that of ROOKERY_CONFIG, else ./rookery.toml where there is one.

    Raises ConfigurationError that names the file and the section.
    """
    path = _path(named)
    if path is None:
        return SettingsFile()
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"Cannot read {path}: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not valid TOML: {error}.") from None
    refuse_unknown_keys(document, SECTIONS, str(path))
    for name, section in document.items():
        if not isinstance(section, dict):
            raise ConfigurationError(f"{path}: {name} must be a section, [{name}].")
    return SettingsFile(path, cast(dict[str, dict[str, Any]], document))


def refuse_unknown_keys(table: Mapping[str, Any], allowed: Collection[str], where: str) -> None:
    """Raises ConfigurationError for the first key that is not allowed, with the names that are close to it."""
    for key in table:
        if key not in allowed:
            raise ConfigurationError(f"{where}: unknown key {key!r}.", candidates=suggest(key, allowed))


def _path(named: str | Path | None) -> Path | None:
    chosen = named or os.environ.get(VARIABLE)
    if chosen:
        return Path(chosen)
    if not Path(FILE).is_file():
        return None
    require_trusted(Path(FILE))
    return Path(FILE)
