"""The files that `rookery init` writes. What is in them already stays."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from rookery.mcp.own_servers import OWN_SERVERS
from rookery_core.trust import decision, remember_written

_LINE = re.compile(r"^(?:export )?([A-Za-z_][A-Za-z0-9_]*)=")


def write_env(path: Path, values: Mapping[str, str]) -> list[str]:
    """Set variables in a .env file, readable by its owner only. Returns the names that were set.

    Lines of other variables, comments and their order stay as they are.
    """
    is_ours = not path.exists() or decision(path, path.read_bytes()) == "trusted"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    left = dict(values)
    for index, line in enumerate(lines):
        match = _LINE.match(line)
        if match and match.group(1) in left:
            name = match.group(1)
            lines[index] = f"{name}={_quoted(left.pop(name))}"
    lines += [f"{name}={_quoted(value)}" for name, value in left.items()]
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    path.chmod(0o600)
    if is_ours:
        remember_written(path)
    return list(values)


def names_in(path: Path) -> list[str]:
    """The variables that a .env file sets to something."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    found = ((match.group(1), line[match.end() :]) for line in lines if (match := _LINE.match(line)))
    return [name for name, value in found if value.strip() not in ("", "''", '""')]


def write_mcp(path: Path) -> bool:
    """Write an mcp.json with the four servers of this environment, unless there is one. Returns whether it did."""
    if path.exists():
        return False
    suffix = ".exe" if sys.platform == "win32" else ""
    folder = Path(sys.executable).parent
    servers = {
        name: {
            "command": str(folder / f"rookery-{name}{suffix}"),
            **({"internal_only": True} if name in ("github", "memory") else {}),
        }
        for name in OWN_SERVERS
    }
    path.write_text(json.dumps({"mcpServers": servers}, indent=2) + "\n", encoding="utf-8")
    remember_written(path)
    return True


def write_manifest(path: Path) -> bool:
    """Write the manifest of the Slack app, unless there is one. Returns whether it did."""
    if path.exists():
        return False
    path.write_text(files("rookery.slack").joinpath("manifest.yaml").read_text("utf-8"), encoding="utf-8")
    return True


def _quoted(value: str) -> str:
    """As dotenv reads it back."""
    if re.fullmatch(r"[A-Za-z0-9_./:@+-]*", value):
        return value
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
