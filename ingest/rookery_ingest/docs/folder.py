"""A folder of documents as a source."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from urllib.parse import quote

from rookery_core.errors import InvalidInput
from rookery_ingest.docs.formats.reading import format_of
from rookery_ingest.docs.raw import Delivered, RawPage, Unreadable

_SKIPPED_FOLDERS = {"node_modules", "__pycache__", "venv", "site-packages", "vendor", "_static", "_sources"}
LARGEST_FILE = 64 * 1024 * 1024

UrlOf = Callable[[str], str]


def documents(root: Path) -> list[str]:
    """Paths below `root`, with forward slashes and in order, of every file in a format that has a reader."""
    return sorted(_walk(root)) if root.is_dir() else [root.name]


def _walk(root: Path) -> Iterator[str]:
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".") and name not in _SKIPPED_FOLDERS]
        for name in files:
            path = Path(folder, name).relative_to(root).as_posix()
            if not name.startswith(".") and format_of(path) is not None:
                yield path


def url_maker(root: Path, base_url: str | None) -> UrlOf:
    """How paths become URLs: below `base_url`, or as files of this machine."""
    base = base_url if base_url else root.resolve().as_uri() + "/"
    base = base if base.endswith("/") else base + "/"
    return lambda path: base + quote(path, safe="/:@!$&'()*+,;=~")


async def read_folder(root: Path, url_of: UrlOf) -> AsyncIterator[Delivered]:
    """Every document of the folder. Raises InvalidInput when there is none."""
    if not await asyncio.to_thread(root.exists):
        raise InvalidInput(f"PATH: {root} does not exist.")
    if await asyncio.to_thread(_is_no_text, root):
        raise InvalidInput(f"PATH: {root} is neither a document nor an archive that can be read.")
    paths = await asyncio.to_thread(documents, root)
    if not paths:
        raise InvalidInput(f"PATH: {root} holds no document in a format that can be read.")
    for path in paths:
        yield await asyncio.to_thread(_read, root, path, url_of)


def _is_no_text(root: Path) -> bool:
    """Whether the root is one file that no reader is for: without a known suffix it is read as text, unless it is none."""
    if not root.is_file() or format_of(root.name) is not None:
        return False
    with root.open("rb") as file:
        return b"\0" in file.read(8192)


def _read(root: Path, path: str, url_of: UrlOf) -> Delivered:
    file = root / path if root.is_dir() else root
    try:
        if file.stat().st_size > LARGEST_FILE:
            return Unreadable(path, "larger than 64 MB")
        data = file.read_bytes()
    except OSError as error:
        return Unreadable(path, error.strerror or type(error).__name__)
    return RawPage(path, url_of(path), format_of(path) or "text", data, origin=str(file))
