"""A git working copy as a source: the files that git tracks, as they are on disk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from rookery_core.errors import InvalidInput
from rookery_core.foreign.files import ForeignFolder, NotOpened, Refused
from rookery_core.foreign.git import GitFailed, WorkingCopy
from rookery_core.foreign.git import read_working_copy as read_index
from rookery_ingest.docs.folder import UrlOf
from rookery_ingest.docs.formats.reading import format_of
from rookery_ingest.docs.raw import Delivered, LeftOut, PassedOver, RawPage, Unreadable


async def read_working_copy(folder: Path, below: str, url_of: UrlOf) -> AsyncIterator[Delivered]:
    """The documents git tracks below a path of the working copy. Raises InvalidInput with git's own message."""
    try:
        copy = await read_index(folder)
    except GitFailed as error:
        raise InvalidInput(str(error), hint="`docs folder` reads a folder without git.") from None
    prefix = copy.prefix + (f"{below.strip('/')}/" if below.strip("/.") else "")
    paths = sorted(name.removeprefix(prefix) for name in copy.names if name.startswith(prefix))
    if all(format_of(path) is None for path in paths):
        raise InvalidInput(f"PATH: git tracks no document below {folder / below}.")
    files = ForeignFolder(copy.root, copy.names)
    for path in paths:
        if format_of(path) is None:
            if not path.rsplit("/", 1)[-1].startswith("."):
                yield PassedOver(path)
            continue
        yield await asyncio.to_thread(_read, files, copy, prefix + path, path, url_of)


def _read(files: ForeignFolder, copy: WorkingCopy, name: str, path: str, url_of: UrlOf) -> Delivered:
    file = copy.root / name
    try:
        data = files.read(name)
    except Refused as error:
        return LeftOut(path, error.message)
    except NotOpened as error:
        if not file.exists():
            return LeftOut(path, "tracked by git, but not in the working copy")
        return Unreadable(path, error.message)
    return RawPage(path, url_of(path), format_of(path) or "text", data, origin=str(file))
