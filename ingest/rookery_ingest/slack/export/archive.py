"""The files of an export, in a zip or in a folder. Nothing is ever unpacked to disk."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path, PurePosixPath
from typing import Protocol

from rookery_core.errors import InvalidInput

MAX_FILE_BYTES = 512 * 1024 * 1024
MAX_RATIO = 300
SUSPICIOUS_BYTES = 16 * 1024 * 1024
"""A file that unpacks to more than this must not have been packed more than MAX_RATIO times."""


class Refused(Exception):
    """A file of an export that is not read; the message says why."""


class Archive(Protocol):
    """An export: names of its files, with slashes, and their contents."""

    def names(self) -> Iterator[str]: ...
    def read(self, name: str) -> bytes: ...


class Folder(AbstractContextManager["Folder"]):
    """An export that was unpacked already. Links out of the folder are not followed."""

    def __init__(self, path: Path) -> None:
        self._root = path.resolve()

    def names(self) -> Iterator[str]:
        """Every file below the folder."""
        for path in sorted(self._root.rglob("*")):
            if path.is_file():
                yield path.relative_to(self._root).as_posix()

    def read(self, name: str) -> bytes:
        """The file. Raises Refused when it is too large or outside of the folder."""
        path = (self._root / name).resolve()
        if not path.is_relative_to(self._root):
            raise Refused("leads out of the export")
        if path.stat().st_size > MAX_FILE_BYTES:
            raise Refused(f"larger than {MAX_FILE_BYTES // 1024**2} MB")
        return path.read_bytes()

    def __exit__(self, *_: object) -> None:
        return None


class Zip(AbstractContextManager["Zip"]):
    """An export as Slack delivers it."""

    def __init__(self, path: Path) -> None:
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError) as error:
            raise InvalidInput(f"PATH: {path} is not a readable zip file ({error}).") from None

    def names(self) -> Iterator[str]:
        """Every file in the zip, also those that will be refused."""
        for entry in self._zip.infolist():
            if not entry.is_dir():
                yield entry.filename

    def read(self, name: str) -> bytes:
        """The file. Raises Refused for what no export holds: a bomb, a path that leads out, a link, a broken entry."""
        entry = self._zip.getinfo(name)
        path = PurePosixPath(name.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in path.parts[0][1:2]:
            raise Refused("leads out of the export")
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise Refused("is a link")
        if entry.file_size > MAX_FILE_BYTES:
            raise Refused(f"larger than {MAX_FILE_BYTES // 1024**2} MB")
        if entry.file_size > SUSPICIOUS_BYTES and entry.file_size > MAX_RATIO * max(entry.compress_size, 1):
            raise Refused("unpacks to so much more than it is that it looks like a zip bomb")
        try:
            with self._zip.open(entry) as file:
                data = file.read(MAX_FILE_BYTES + 1)  # what the entry says of its size need not be true
        except (
            zipfile.BadZipFile,
            RuntimeError,
            NotImplementedError,
            OSError,
            EOFError,
            ValueError,
        ) as error:
            raise Refused(f"cannot be read ({error})") from None
        except Exception as error:  # noqa: BLE001 a damaged stream fails in whatever way its decompressor fails
            raise Refused(f"cannot be read ({type(error).__name__})") from None
        if len(data) > MAX_FILE_BYTES:
            raise Refused(f"larger than {MAX_FILE_BYTES // 1024**2} MB")
        return data

    def __exit__(self, *_: object) -> None:
        self._zip.close()


def open_archive(path: Path) -> Folder | Zip:
    """The export at `path`. Raises InvalidInput when there is none."""
    if path.is_dir():
        return Folder(path)
    if path.is_file():
        return Zip(path)
    raise InvalidInput(
        f"PATH: {path} does not exist.",
        hint="Give the zip file that Slack delivered, or the folder it unpacks to.",
    )
