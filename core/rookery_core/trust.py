"""Trust in a folder's configuration: once for each file, by its path and the hash of its content, after it was shown.

A file of the working folder that nobody named (`mcp.json`, `rookery.toml`, `.env`) can be somebody else's: it could start
commands and send keys to another host. A file that was named by an option or a variable needs no trust.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, cast

from rookery_core import jsonc
from rookery_core.errors import ConfigurationError

FILES = ("mcp.json", "rookery.toml", ".env")
MAX_CONFIGURATION_BYTES = 1_000_000
_MAX_SHOWN_LINES = 40
_MAX_SHOWN_CHARACTERS = 200
_SECRET = re.compile(r"(?i)key|token|secret|passw|pwd|credential|auth|private|webhook")
_SHOWN = re.compile(
    r"(?i)url|host|addr|port|dir|file|path|config|command|model|embedder|team|user|level|endpoint"
)
_HIDDEN = re.compile(
    r"(?<=://)[^/@\s]+(?=@)|(?<=\?)\S+|\b(?:rk_|xox[a-z]-|gh[a-z]_|github_pat_|sk-|xapp-)[\w-]+"
    r"|(?i:(?<=key=)|(?<=token=)|(?<=secret=)|(?<=password=))\S+"
)
"""Passwords and queries of addresses, tokens of services that we know, and values of options that sound secret."""
Decision = Literal["trusted", "refused"]


def store_path() -> Path:
    """Where decisions are kept: the user's own configuration folder."""
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home())
    else:
        base = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return base / "rookery" / "trusted.json"


def decision(path: Path, content: bytes) -> Decision | None:
    """What was decided about a file with just this content; None when it was never shown."""
    entry = _read_store().get(str(path.resolve()))
    if isinstance(entry, dict) and cast("dict[str, Any]", entry).get("hash") == _hash(content):
        return "trusted" if cast("dict[str, Any]", entry).get("trusted") is True else "refused"
    return None


def remember(path: Path, content: bytes, *, trusted: bool) -> None:
    """Keep a decision. Raises ConfigurationError when it cannot be kept."""
    entries = {**_read_store(), str(path.resolve()): {"hash": _hash(content), "trusted": trusted}}
    try:
        store = store_path()
        making = store.with_name(f"{store.name}.{os.getpid()}")
        store.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(making, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(entries, file, indent=1)
        making.replace(store)
    except OSError as error:
        raise ConfigurationError(f"{error.filename} cannot be written: {error.strerror}.") from None
    except RuntimeError:
        raise ConfigurationError("This account has no home folder.", hint="Set XDG_CONFIG_HOME.") from None


def remember_written(path: Path) -> None:
    """Trust a file that Rookery itself wrote for its user."""
    with suppress(ConfigurationError):
        remember(path, path.read_bytes(), trusted=True)


def require_trusted(path: Path) -> None:
    """Go on only with a file that is trusted: ask in a terminal. Raises ConfigurationError that names the command that trusts it."""
    content = read_configuration(path)
    if decision(path, content) == "trusted" or not (shown := list(describe(path, content))):
        return
    if not (is_terminal() and ask(path, content, shown)):
        raise untrusted(path, shown)


def untrusted(path: Path, shown: list[str]) -> ConfigurationError:
    """The error for a file of the folder that is not trusted."""
    effects = "; ".join(line.strip() for line in shown[:3]) + ("; ..." if len(shown) > 3 else "")
    return ConfigurationError(
        f"{path.resolve()} is not trusted, so it is not used. It would set: {effects}.",
        hint=f"If it is yours, run `rookery trust {path}` (or `python -m rookery_core.trust {path}`).",
    )


def ask(path: Path, content: bytes, shown: list[str]) -> bool:
    """Show what a file does and ask whether to trust it; either answer is kept until the file changes."""
    print(f"{path.resolve()} is new or has changed. It would set:", file=sys.stderr)
    for line in shown[:_MAX_SHOWN_LINES]:
        print(f"  {line}", file=sys.stderr)
    if len(shown) > _MAX_SHOWN_LINES:
        print(f"  and {len(shown) - _MAX_SHOWN_LINES} more", file=sys.stderr)
    print("Trust this file? [y/N] ", end="", file=sys.stderr, flush=True)
    trusted = sys.stdin.readline().strip().lower() in ("y", "yes")
    remember(path, content, trusted=trusted)
    return trusted


def is_terminal() -> bool:
    """Whether a person can be asked."""
    return bool(sys.stdin and sys.stdin.isatty() and sys.stderr and sys.stderr.isatty())


def read_configuration(path: Path) -> bytes:
    """The content of a configuration file. Raises ConfigurationError when it cannot be read or is far too large."""
    try:
        if not path.is_file():
            raise ConfigurationError(f"{path} is not a file.")
        with path.open("rb") as file:
            content = file.read(MAX_CONFIGURATION_BYTES + 1)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}.") from None
    if len(content) > MAX_CONFIGURATION_BYTES:
        raise ConfigurationError(f"{path} is larger than {MAX_CONFIGURATION_BYTES / 1_000_000:.0f} MB.")
    return content


def describe(path: Path, content: bytes) -> Iterator[str]:
    """What a file would start, call and set, in lines without secrets and control characters; nothing for an empty one."""
    lines = (
        _of_servers(content)
        if path.suffix == ".json"
        else _of_assignments(content, is_toml=path.suffix == ".toml")
    )
    for line in lines:
        plain = "".join(char if char.isprintable() else " " for char in _HIDDEN.sub("...", line))
        yield plain if len(plain) <= _MAX_SHOWN_CHARACTERS else plain[:_MAX_SHOWN_CHARACTERS] + "..."


def _of_servers(content: bytes) -> Iterator[str]:
    """The commands and addresses of an mcp.json; the whole text of one that cannot be read."""
    try:
        document: Any = jsonc.loads(content.decode("utf-8-sig"))
        servers: Any = document.get("mcpServers", document.get("servers", {}))
        entries = cast("dict[str, dict[str, Any]]", dict(servers)).items()
        for name, entry in entries:
            words = [
                str(entry.get("command") or entry.get("url") or ""),
                *_arguments(entry.get("args") or ()),
            ]
            yield f"{name}: {'starts' if entry.get('command') else 'calls'} {' '.join(words)}"
            settings: Mapping[str, Any] = {**(entry.get("env") or {}), **(entry.get("headers") or {})}
            if settings:
                yield f"{name}: with {', '.join(settings)}"
    except (ValueError, TypeError, AttributeError):
        yield content.decode("utf-8", "replace")


def _arguments(arguments: Iterable[object]) -> Iterator[str]:
    """Arguments of a command, without the value that follows an option that sounds secret."""
    hides = False
    for argument in map(str, arguments):
        yield "..." if hides else argument
        hides = argument.startswith("-") and "=" not in argument and bool(_SECRET.search(argument))


def _of_assignments(content: bytes, *, is_toml: bool) -> Iterator[str]:
    """The assignments of a file, with the values of addresses, commands and models; in a .env, any other can be secret."""
    for line in content.decode("utf-8", "replace").splitlines():
        line = line.strip()
        if line and not line.startswith("#"):
            name, equals, _ = line.partition("=")
            is_shown = (is_toml or _SHOWN.search(name)) and not _SECRET.search(name)
            yield line if is_shown or not equals else f"{name.strip()}=..."


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _read_store() -> dict[str, Any]:
    try:
        entries = json.loads(store_path().read_text(encoding="utf-8"))
    except (OSError, ValueError, RuntimeError):  # the last one: this account has no home
        return {}
    return cast("dict[str, Any]", entries) if isinstance(entries, dict) else {}


def trust(paths: list[Path]) -> int:
    """Trust the configuration files of folders, or single files, and print what they set. Raises ConfigurationError."""
    for place in paths or [Path()]:
        files = [place / name for name in FILES if (place / name).is_file()] if place.is_dir() else [place]
        if not files:
            raise ConfigurationError(f"{place} has none of {', '.join(FILES)}.")
        for file in files:
            content = read_configuration(file)
            remember(file, content, trusted=True)
            print(f"{file.resolve()} is trusted until it changes:")
            for line in describe(file, content):
                print(f"  {line}")
    return 0


def main(arguments: list[str] | None = None) -> int:
    """`python -m rookery_core.trust [PATH ...]`. Returns the exit status."""
    from rookery_core.console import exit_status

    words = sys.argv[1:] if arguments is None else arguments
    return exit_status("rookery_core.trust", lambda: trust([Path(word) for word in words]))


if __name__ == "__main__":
    sys.exit(main())
