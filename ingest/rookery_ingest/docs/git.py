"""A git working copy as a source: the files git knows, the revision as what is stored of their freshness."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from rookery_core.errors import InvalidInput
from rookery_core.git import GitFailed, git
from rookery_ingest.docs.folder import UrlOf
from rookery_ingest.docs.formats.reading import format_of
from rookery_ingest.docs.raw import Delivered, RawPage, Unreadable


async def _printed(folder: Path, *arguments: str) -> str:
    """What a git command prints. Raises InvalidInput with git's own message."""
    try:
        return (await git(folder, *arguments)).decode("utf-8", "replace")
    except GitFailed as error:
        raise InvalidInput(str(error), hint="`docs folder` reads a folder without git.") from None


async def read_working_copy(folder: Path, below: str, url_of: UrlOf) -> AsyncIterator[Delivered]:
    """The documents git tracks below a path of the working copy, as they are on disk."""
    names = (await _printed(folder, "ls-files", "-z", "--", below or ".")).split("\0")
    root = Path((await _printed(folder, "rev-parse", "--show-toplevel")).strip())
    prefix = (await _printed(folder, "rev-parse", "--show-prefix")).strip()
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
