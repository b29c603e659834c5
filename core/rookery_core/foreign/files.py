"""The one way to open a file that was handed in: inside its root, a regular file, of bounded size.

A symbolic link may lead to another file of the same root that is not hidden. No link is followed while the file is opened,
so that nobody can put one in place after the check. Devices, pipes, sockets and the files of /proc and /sys are refused.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Container, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from rookery_core.errors import InvalidInput
from rookery_core.foreign.limits import MAX_FILE_BYTES

_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_READ = (
    os.O_RDONLY
    | _NOFOLLOW
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_BINARY", 0)
)
_FOLDER = os.O_RDONLY | _NOFOLLOW | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
LINKED_FOLDER = "a symbolic link to a folder"
_KERNEL_FOLDERS = ("/proc", "/sys")


class NotOpened(InvalidInput):
    """A file cannot be opened now; the message is the reason."""


class Refused(NotOpened):
    """A file is never opened: a link that leads out, no regular file; the message is the reason."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file below a folder. refusal: why it cannot be read, for what is no regular file. hides: a folder that cannot be listed."""

    name: str
    refusal: str | None = None
    hides: bool = False


class ForeignFolder:
    """A folder that was handed in. allowed: the names that may be read, where that is not every name below the root."""

    def __init__(self, root: Path, allowed: Container[str] | None = None) -> None:
        try:
            self.root = root.resolve(strict=True)
        except (OSError, RuntimeError) as error:
            raise NotOpened(f"{root}: {_reason(error)}") from None
        self._allowed = allowed

    def entries(self, skips: Callable[[str], bool] = lambda name: False) -> Iterator[Entry]:
        """Every file below the root in order, with forward slashes. skips: which names of folders are not entered."""
        failed: list[OSError] = []
        for folder, folders, files in os.walk(self.root, onerror=failed.append):
            place = Path(folder)
            folders[:] = sorted(name for name in folders if not skips(name))
            for name in sorted(folders):
                if (place / name).is_symlink():
                    yield Entry(self._name(place / name), LINKED_FOLDER)
            for name in sorted(files):
                yield self._entry(place / name)
        for error in failed:
            yield Entry(self._name(Path(str(error.filename))), _reason(error), hides=True)

    def read(self, name: str, max_bytes: int = MAX_FILE_BYTES) -> bytes:
        """The bytes of a file by its name below the root. Raises Refused and NotOpened with the reason."""
        with self.open(name, max_bytes) as file:
            return read_bounded(file, max_bytes)

    def open(self, name: str, max_bytes: int = MAX_FILE_BYTES) -> BinaryIO:
        """A file by its name below the root, open for reading. Raises Refused and NotOpened with the reason."""
        try:
            return _opened(self.root, self._resolved(name).parts, max_bytes)
        except (OSError, ValueError) as error:
            raise NotOpened(_reason(error)) from None

    def _resolved(self, name: str) -> Path:
        """The path below the root after all symbolic links. Raises Refused when that is another place than the name may lead to."""
        try:
            target = (self.root / name).resolve(strict=True)
        except RuntimeError:
            raise Refused("a loop of symbolic links") from None
        if not target.is_relative_to(self.root):
            raise Refused("leads out of the folder")
        path = target.relative_to(self.root)
        if path.as_posix() == name:
            return path
        if any(part.startswith(".") and part not in Path(name).parts for part in path.parts):
            raise Refused("a symbolic link to a hidden file")
        if self._allowed is not None and path.as_posix() not in self._allowed:
            raise Refused("a symbolic link to a file that is not part of the source")
        return path

    def _entry(self, path: Path) -> Entry:
        name = self._name(path)
        try:
            mode = path.lstat().st_mode
            if stat.S_ISLNK(mode):
                mode = (self.root / self._resolved(name)).lstat().st_mode
        except NotOpened as error:
            return Entry(name, error.message)
        except (OSError, ValueError) as error:
            return Entry(name, _reason(error))
        return Entry(name, None if stat.S_ISREG(mode) else "not a regular file")

    def _name(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()


def open_file(path: Path, max_bytes: int = MAX_FILE_BYTES) -> BinaryIO:
    """One file that was named itself, open for reading. Raises Refused (also for a symbolic link) and NotOpened."""
    if path.is_symlink():
        raise Refused(
            f"{path} is a symbolic link.", hint=f"Name the file that it leads to: {path.resolve()}."
        )
    try:
        return ForeignFolder(path.parent).open(path.name, max_bytes)
    except NotOpened as error:
        raise type(error)(f"{path}: {error.message}") from None


def read_file(path: Path, max_bytes: int = MAX_FILE_BYTES) -> bytes:
    """The bytes of one file that was named itself. Raises Refused and NotOpened."""
    with open_file(path, max_bytes) as file:
        return read_bounded(file, max_bytes)


def read_bounded(file: BinaryIO, max_bytes: int) -> bytes:
    """The rest of an open file. Raises NotOpened when it is larger than max_bytes."""
    data = file.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise NotOpened(too_large(max_bytes))
    return data


def too_large(max_bytes: int) -> str:
    """The reason for a file that is larger than max_bytes."""
    mebi = 1024 * 1024
    return f"larger than {max_bytes // mebi if max_bytes % mebi == 0 else max_bytes / 1_000_000:g} MB"


def named_place(path: Path) -> Path:
    """The absolute path of a file or folder that was named by its user. Raises Refused for a symbolic link to a file."""
    path = path.expanduser()
    if path.is_symlink() and not path.is_dir():
        raise Refused(
            f"{path} is a symbolic link.", hint=f"Name the file that it leads to: {path.resolve()}."
        )
    return path.resolve()


def _opened(root: Path, parts: tuple[str, ...], max_bytes: int) -> BinaryIO:
    if not parts:
        raise Refused("not a regular file")
    descriptor = _descriptor(root, parts)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise Refused("not a regular file")
        if status.st_dev in _kernel_devices():
            raise Refused("a file of the kernel, not of a disk")
        if status.st_size > max_bytes:
            raise NotOpened(too_large(max_bytes))
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def _descriptor(root: Path, parts: tuple[str, ...]) -> int:
    """Opened one step after another, none of which may be a link: a link that was put there after the check fails here."""
    if os.open not in os.supports_dir_fd:
        return _checked_open(os.path.join(root, *parts))
    folder = os.open(root, _FOLDER)
    try:
        for part in parts[:-1]:
            inner = os.open(part, _FOLDER, dir_fd=folder)
            os.close(folder)
            folder = inner
        return _checked_open(parts[-1], folder)
    finally:
        os.close(folder)


def _checked_open(path: str, folder: int | None = None) -> int:
    # opening some devices has an effect, so the kind is looked at before as well
    if not stat.S_ISREG(os.stat(path, dir_fd=folder, follow_symlinks=False).st_mode):
        raise Refused("not a regular file")
    return os.open(path, _READ, dir_fd=folder)


def _kernel_devices() -> set[int]:
    devices: set[int] = set()
    for folder in _KERNEL_FOLDERS:
        with suppress(OSError):
            devices.add(os.stat(folder).st_dev)
    root = os.stat("/").st_dev if os.path.isdir("/") else None
    return devices - {root}


def _reason(error: BaseException) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
