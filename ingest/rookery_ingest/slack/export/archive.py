"""The files of an export, in a zip or in a folder. Nothing is ever unpacked to disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from rookery_core.errors import InvalidInput
from rookery_core.foreign.archives import Damaged
from rookery_core.foreign.archives import open_archive as open_foreign_archive
from rookery_core.foreign.files import ForeignFolder, NotOpened
from rookery_core.foreign.limits import MAX_EXPORT_FILE_BYTES


class Archive(Protocol):
    """An export: names of its files, with slashes, and their contents."""

    def names(self) -> Iterator[str]: ...
    def read(self, name: str) -> bytes: ...


class Folder(AbstractContextManager["Folder"]):
    """An export that was unpacked already. Links out of the folder are not followed."""

    def __init__(self, path: Path) -> None:
        self._folder = ForeignFolder(path)

    def names(self) -> Iterator[str]:
        """Every file below the folder, also those that will be refused."""
        return (entry.name for entry in self._folder.entries())

    def read(self, name: str) -> bytes:
        """The file. Raises Refused and NotOpened: too large, no regular file, outside of the folder."""
        return self._folder.read(name, MAX_EXPORT_FILE_BYTES)

    def __exit__(self, *_: object) -> None:
        return None


class Zip(AbstractContextManager["Zip"]):
    """An export as Slack delivers it."""

    def __init__(self, path: Path) -> None:
        try:
            self._archive = open_foreign_archive(path)
            self._members = {member.name: member for member in self._archive.members()}
        except Damaged as error:
            raise InvalidInput(f"PATH: {path} is not a readable zip file ({error.message}).") from None
        except NotOpened as error:
            raise InvalidInput(f"PATH: {error.message}", hint=error.hint) from None

    def names(self) -> Iterator[str]:
        """Every file in the zip, also those that will be refused."""
        return iter(self._members)

    def read(self, name: str) -> bytes:
        """The file. Raises Refused and NotOpened: a bomb, a path that leads out, a link, a broken entry."""
        return self._archive.read(self._members[name], MAX_EXPORT_FILE_BYTES)

    def __exit__(self, *_: object) -> None:
        self._archive.__exit__(None, None, None)


def open_archive(path: Path) -> Folder | Zip:
    """The export at `path`. Raises InvalidInput when there is none."""
    if path.is_dir():
        return Folder(path)
    if path.exists():
        return Zip(path)
    raise InvalidInput(
        f"PATH: {path} does not exist.",
        hint="Give the zip file that Slack delivered, or the folder it unpacks to.",
    )
