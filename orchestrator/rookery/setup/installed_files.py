"""Write a client's file after showing the difference, and put back what was there before."""

from __future__ import annotations

import difflib
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from rookery.setup.client_files import Lists, merged
from rookery.setup.clients import Client, Entry
from rookery_core.errors import ConfigurationError, NotFound
from rookery_core.trust import is_terminal

_BACKUP = ".before-rookery"


def write(client: Client, path: Path, servers: Mapping[str, Entry], lists: Lists, *, yes: bool) -> int:
    """Add the servers to the client's file. Returns the exit status: 1 when the person said no.

    Raises ConfigurationError when the file cannot be read or written.
    """
    path = path.resolve()  # a link to a file elsewhere stays a link
    before = _read(path)
    after = merged(client, before or "", servers, lists, name=str(path))
    if after == before:
        print(f"{path} has these servers already.", file=sys.stderr)
        return 0
    if not _agreed(path, before or "", after, yes=yes):
        return 1
    backup = _backup(path)
    _replace(backup, before or "")
    _replace(path, after)
    print(f"{path} is written; `rookery install --undo` puts back {backup.name}.", file=sys.stderr)
    return 0


def undo(path: Path, *, yes: bool) -> int:
    """Put back what was there before the last `write`; a file that was not there goes. Returns the exit status.

    Raises NotFound when nothing was written.
    """
    path = path.resolve()
    backup = _backup(path)
    before = _read(backup)
    if before is None:
        raise NotFound(f"{backup} does not exist: `rookery install --write` has not changed {path}.")
    if not _agreed(path, _read(path) or "", before, yes=yes):
        return 1
    if before:
        _replace(path, before)
    else:
        path.unlink(missing_ok=True)
    backup.unlink()
    print(f"{path} is as it was before.", file=sys.stderr)
    return 0


def _backup(path: Path) -> Path:
    return path.with_name(path.name + _BACKUP)


def _read(path: Path) -> str | None:
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path} is not UTF-8.", hint="Save it again as UTF-8.") from None
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}.") from error


def _agreed(path: Path, before: str, after: str, *, yes: bool) -> bool:
    """Show the lines that change, without those around them, which may hold secrets, and ask."""
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), str(path), f"{path} (new)", n=0, lineterm=""
    )
    for line in lines:
        print(line, file=sys.stderr)
    if yes:
        return True
    if not is_terminal():
        print("Not written: nobody can be asked here. --yes writes without asking.", file=sys.stderr)
        return False
    print("Write this? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _replace(path: Path, text: str) -> None:
    """Write the whole file or nothing. It keeps its permissions; a new one is its owner's alone."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o600
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode())
        Path(name).chmod(mode)
        Path(name).replace(path)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}.") from error
