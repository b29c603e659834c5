"""Documents packed in one file: tar (any compression) and zip, read without unpacking to disk."""

from __future__ import annotations

import asyncio
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from pathlib import Path

from rookery_core.errors import InvalidInput
from rookery_core.foreign.limits import MAX_FILE_BYTES
from rookery_ingest.docs.folder import UrlOf
from rookery_ingest.docs.formats.reading import format_of
from rookery_ingest.docs.raw import Delivered, RawPage, Unreadable

_DAMAGE = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError)

Select = Callable[[str], str | None]
"""A member's name as a page's path, or None when it is none."""


def is_archive(path: Path) -> bool:
    """Whether a file is an archive that can be read."""
    return path.is_file() and (tarfile.is_tarfile(path) or zipfile.is_zipfile(path))


def documents_below(prefix: str) -> Select:
    """Selects documents below a folder of the archive, and names them from there."""

    def select(name: str) -> str | None:
        name = name.removeprefix("./")
        if not name.startswith(prefix) or "/." in f"/{name}":
            return None
        path = name.removeprefix(prefix)
        return path if format_of(path) is not None else None

    return select


def common_folder(names: list[str]) -> str:
    """The folder, with a slash at its end, that all names are in; empty when there is none."""
    parts = [name.removeprefix("./").split("/")[:-1] for name in names]
    shared: list[str] = []
    for level in zip(*parts, strict=False):
        if len(set(level)) > 1:
            break
        shared.append(level[0])
    return "/".join(shared) + "/" if shared else ""


async def read_archive(file: Path, select: Select, url_of: UrlOf) -> AsyncIterator[Delivered]:
    """Every selected document; of a damaged archive what comes before the damage. Raises InvalidInput when the file is
    no archive."""
    iterator = _members(file)
    while True:
        try:
            member = await asyncio.to_thread(next, iterator, None)
        except _DAMAGE as error:
            yield Unreadable(file.name, f"the archive is damaged ({error})")
            return
        if member is None:
            return
        name, size, data = member
        path = select(name)
        if path is not None:
            yield await asyncio.to_thread(_document, path, url_of(path), size, data)


def _document(path: str, url: str, size: int, data: Callable[[], bytes]) -> Delivered:
    if size > MAX_FILE_BYTES:
        return Unreadable(path, "larger than 64 MB")
    try:
        return RawPage(path, url, format_of(path) or "text", data())
    except (
        *_DAMAGE,
        RuntimeError,
        NotImplementedError,
    ) as error:  # the last two: encrypted, packed in an unknown way
        return Unreadable(path, f"cannot be unpacked ({error})")


def names_in(file: Path) -> list[str]:
    """The names of the files of an archive."""
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            return [info.filename for info in archive.infolist() if not info.is_dir()]
    try:
        with _tar(file) as archive:
            return [member.name for member in archive if member.isfile()]
    except _DAMAGE as error:
        raise InvalidInput(f"{file} is damaged and cannot be read ({error}).") from error


def _members(file: Path) -> Iterator[tuple[str, int, Callable[[], bytes]]]:
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            for info in archive.infolist():
                if not info.is_dir():
                    yield info.filename, info.file_size, lambda info=info: archive.read(info)
        return
    with _tar(file) as archive:
        for member in archive:
            if member.isfile():
                yield member.name, member.size, lambda member=member: _extract(archive, member)


def _extract(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    handle = archive.extractfile(member)
    return handle.read() if handle is not None else b""


def _tar(file: Path) -> tarfile.TarFile:
    with suppress(tarfile.TarError, OSError):
        return tarfile.open(file)
    raise InvalidInput(f"{file} is neither a folder nor an archive that can be read.")
