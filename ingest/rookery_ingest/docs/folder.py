"""A folder of documents as a source."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from urllib.parse import quote

from rookery_core.errors import InvalidInput
from rookery_core.foreign.files import LINKED_FOLDER, Entry, ForeignFolder, NotOpened, Refused, read_file
from rookery_core.foreign.limits import MAX_FILE_BYTES
from rookery_ingest.docs.formats.reading import format_of
from rookery_ingest.docs.raw import Delivered, LeftOut, PassedOver, RawPage, Unreadable

_SKIPPED_FOLDERS = {"node_modules", "__pycache__", "venv", "site-packages", "vendor", "_static", "_sources"}

UrlOf = Callable[[str], str]


def _is_skipped(folder: str) -> bool:
    return folder.startswith(".") or folder in _SKIPPED_FOLDERS


def _documents(folder: ForeignFolder) -> list[Entry]:
    """Every file and what cannot be entered, without hidden ones."""
    return [
        entry for entry in folder.entries(_is_skipped) if not entry.name.rsplit("/", 1)[-1].startswith(".")
    ]


def url_maker(root: Path, base_url: str | None) -> UrlOf:
    """How paths become URLs: below `base_url`, or as files of this machine."""
    base = base_url if base_url else root.resolve().as_uri() + "/"
    base = base if base.endswith("/") else base + "/"
    return lambda path: base + quote(path, safe="/:@!$&'()*+,;=~")


async def read_folder(
    root: Path, url_of: UrlOf, *, name_passed_over: bool = False
) -> AsyncIterator[Delivered]:
    """Every document of the folder, or the one file. Raises InvalidInput when there is none.

    name_passed_over: also say which files have no reader.
    """
    if not await asyncio.to_thread(root.exists):
        raise InvalidInput(f"PATH: {root} does not exist.")
    if not await asyncio.to_thread(root.is_dir):
        yield await asyncio.to_thread(_read_one, root, url_of)
        return
    folder = ForeignFolder(root)
    entries = await asyncio.to_thread(_documents, folder)
    if all(_is_passed_over(entry) for entry in entries):
        raise InvalidInput(f"PATH: {root} holds no document in a format that can be read.")
    for entry in entries:
        if _is_passed_over(entry) and not name_passed_over:
            continue
        yield await asyncio.to_thread(_read, folder, entry, url_of)


def _is_passed_over(entry: Entry) -> bool:
    return format_of(entry.name) is None and not entry.hides and entry.refusal != LINKED_FOLDER


def _read_one(file: Path, url_of: UrlOf) -> Delivered:
    """A file without a known suffix is read as text, unless it is none. Raises InvalidInput."""
    data = read_file(file, MAX_FILE_BYTES)
    if format_of(file.name) is None and b"\0" in data[:8192]:
        raise InvalidInput(f"PATH: {file} is neither a document nor an archive that can be read.")
    return RawPage(file.name, url_of(file.name), format_of(file.name) or "text", data, origin=str(file))


def _read(folder: ForeignFolder, entry: Entry, url_of: UrlOf) -> Delivered:
    path = entry.name
    if _is_passed_over(entry):
        return PassedOver(path)
    if entry.refusal is not None:
        return Unreadable(path, entry.refusal, hides=True) if entry.hides else LeftOut(path, entry.refusal)
    try:
        data = folder.read(path, MAX_FILE_BYTES)
    except Refused as error:
        return LeftOut(path, error.message)
    except NotOpened as error:
        return Unreadable(path, error.message)
    return RawPage(path, url_of(path), format_of(path) or "text", data, origin=str(folder.root / path))
