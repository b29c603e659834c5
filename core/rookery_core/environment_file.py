"""The file of variables that every program reads: the one that was named, else ./.env where it is trusted.

Variables that the environment sets already win. ROOKERY_ENV_FILE names the file; set to nothing, no file is read.
"""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

from rookery_core import trust
from rookery_core.errors import ConfigurationError

loaded: list[Path] = []
"""The file that this process has read, as an absolute path; empty: none."""

VARIABLE = "ROOKERY_ENV_FILE"
_OURS = ("ROOKERY_", "DATABASE_URL", "OPENAI_", "ANTHROPIC_", "SLACK_", "GITHUB_", "GH_", "OTEL_", "PG")
"""What the names of variables that our programs read begin with."""


def load_environment_file(named: str | None = None, *, for_client: bool = False) -> None:
    """Set the variables of the file that the environment does not set. A second call has nothing left to do.

    named: by an option. for_client: for a server that a client starts in any folder, where a .env without a variable of
    Rookery's own belongs to another program and is passed over with a warning. Raises ConfigurationError.
    """
    chosen = named if named is not None else os.environ.get(VARIABLE)
    if chosen == "":
        return
    if chosen is not None:
        path = Path(chosen).expanduser()
        if not path.is_file():
            where = "--env" if named is not None else VARIABLE
            raise ConfigurationError(
                f"There is no file {chosen}.", hint=f"{where} names a file of NAME=value lines."
            )
        _set(path, _variables(path, trust.read_configuration(path)))
    elif Path(".env").is_file():
        _load_unnamed(Path(".env"), for_client=for_client)
    else:
        return
    os.environ[VARIABLE] = ""  # this process and those that it starts have all of it


def values_of_loaded() -> dict[str, str]:
    """The variables of the file that this process has read."""
    return _variables(loaded[0], trust.read_configuration(loaded[0])) if loaded else {}


def _load_unnamed(path: Path, *, for_client: bool) -> None:
    content = trust.read_configuration(path)
    decided = trust.decision(path, content)
    if decided == "trusted":
        _set(path, _variables(path, content))
        return
    ours = [name for name in _variables(path, content) if name.startswith(_OURS)]
    if not ours or decided == "refused":
        return
    shown = list(trust.describe(path, content))
    if for_client and not any(name.startswith("ROOKERY_") for name in ours):
        print(f"note: {trust.untrusted(path, ours)}", file=sys.stderr)
    elif not trust.is_terminal():
        error = trust.untrusted(path, shown)
        raise ConfigurationError(error.message, hint=f"{error.hint} To go on without it, set {VARIABLE}=''.")
    elif trust.ask(path, content, shown):
        _set(path, _variables(path, content))
    else:
        print(f"going on without {path.resolve()}", file=sys.stderr)


def _variables(path: Path, content: bytes) -> dict[str, str]:
    """The variables of a file. Raises ConfigurationError when it is not UTF-8."""
    from dotenv import dotenv_values

    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise ConfigurationError(
            f"{path} is not UTF-8.", hint="Save it again as UTF-8 (not UTF-16, Latin-1 or Windows-1252)."
        )
    return {name: value for name, value in dotenv_values(stream=io.StringIO(text)).items() if value}


def _set(path: Path, variables: dict[str, str]) -> None:
    loaded[:] = [path.resolve()]
    for name, value in variables.items():
        os.environ.setdefault(name, value)
