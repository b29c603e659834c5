"""A git working copy as a source: the files git knows, the revision as what is stored of their freshness."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from rookery_core.errors import InvalidInput
from rookery_ingest.docs.folder import UrlOf
from rookery_ingest.docs.formats.reading import format_of
from rookery_ingest.docs.raw import Delivered, RawPage, Unreadable


async def git(folder: Path, *arguments: str) -> str:
    """What a git command prints. Raises InvalidInput with git's own message."""
    try:
        process = await asyncio.create_subprocess_exec(
            "git",
            "-C",
            str(folder),
            *arguments,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except FileNotFoundError:
        raise InvalidInput("git is not installed.", hint="Install it, or use `docs folder`.") from None
    out, error = await process.communicate()
    if process.returncode:
        raise InvalidInput(f"git: {error.decode('utf-8', 'replace').strip()}")
    return out.decode("utf-8", "replace")


async def read_working_copy(folder: Path, below: str, url_of: UrlOf) -> AsyncIterator[Delivered]:
    """The documents git tracks below a path of the working copy, as they are on disk."""
    names = (await git(folder, "ls-files", "-z", "--", below or ".")).split("\0")
    root = Path((await git(folder, "rev-parse", "--show-toplevel")).strip())
    prefix = (await git(folder, "rev-parse", "--show-prefix")).strip()
    found = False
    for name in sorted(filter(None, names)):
        path = name.removeprefix(below.strip("/") + "/") if below.strip("/") else name
        if format_of(path) is None:
            continue
        found = True
        file = root / prefix / name
        try:
            data = await asyncio.to_thread(file.read_bytes)
        except OSError as error:
            yield Unreadable(path, error.strerror or type(error).__name__)
            continue
        yield RawPage(path, url_of(path), format_of(path) or "text", data, origin=str(file))
    if not found:
        raise InvalidInput(f"PATH: git tracks no document below {folder / below}.")
