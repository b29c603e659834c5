"""The one way to read an archive that was handed in: zip, and tar in any compression, read without unpacking to disk.

Members are checked before they are read: names that lead out, links, and what unpacks to far more than it is. An archive in
an archive is a member as any other and is not unpacked.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from rookery_core.foreign.files import NotOpened, Refused, open_file, too_large
from rookery_core.foreign.limits import (
    ARCHIVE_FLOOR_BYTES,
    MAX_ARCHIVE_BYTES,
    MAX_ARCHIVE_MEMBERS,
    MAX_ARCHIVE_RATIO,
    MAX_FILE_BYTES,
    MAX_MEMBER_DEPTH,
    MAX_MEMBER_RATIO,
    MAX_UNPACKED_BYTES,
    MEMBER_FLOOR_BYTES,
)

_DAMAGE = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError)
_UNKNOWN_PACKING = (RuntimeError, NotImplementedError)  # encrypted, or packed in a way that is not known here
_UTF8_FLAG = 0x800
_COMPRESSIONS: dict[bytes, Callable[[BinaryIO], Any]] = {
    b"\x1f\x8b": lambda file: gzip.GzipFile(fileobj=file),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\x00": lzma.LZMAFile,
    b"\x5d\x00\x00": lzma.LZMAFile,
}


class Damaged(NotOpened):
    """An archive or a member of it is damaged; the message is the reason."""


class Bomb(Refused):
    """An archive unpacks to more than is read; the message is the reason."""


@dataclass(frozen=True, slots=True)
class Member:
    """A file in an archive. size: bytes when unpacked, as the archive says. refusal: why it is never read."""

    name: str
    size: int
    refusal: str | None = None
    entry: Any = field(default=None, repr=False, compare=False)


class Archive(AbstractContextManager["Archive"]):
    """An archive, open for reading."""

    def members(self) -> Iterator[Member]:
        """Every file in it, in its order. Raises Bomb and Damaged."""
        raise NotImplementedError

    def read(self, member: Member, max_bytes: int = MAX_FILE_BYTES) -> bytes:
        """The bytes of a member; of a tar only while it is the last of `members()`. Raises Refused, NotOpened and Damaged."""
        if member.refusal is not None:
            raise Refused(member.refusal)
        if member.size > max_bytes:
            raise NotOpened(too_large(max_bytes))
        try:
            with self._open(member) as file:
                data = file.read(max_bytes + 1)  # what the archive says of the size need not be true
        except NotOpened:
            raise
        except (*_DAMAGE, *_UNKNOWN_PACKING) as error:
            raise Damaged(f"cannot be unpacked ({error})") from None
        except Exception as error:  # noqa: BLE001 a damaged stream fails in the ways of its decompressor
            raise Damaged(f"cannot be unpacked ({type(error).__name__})") from None
        if len(data) > max_bytes:
            raise NotOpened(too_large(max_bytes))
        return data

    def _open(self, member: Member) -> IO[bytes]:
        raise NotImplementedError


class _Zip(Archive):
    def __init__(self, file: BinaryIO, packed_bytes: int) -> None:
        self._file = file
        self._zip = zipfile.ZipFile(file)
        _check_zip(self._zip.infolist(), packed_bytes)

    def members(self) -> Iterator[Member]:
        for entry in self._zip.infolist():
            if not entry.is_dir():
                name = _zip_name(entry)
                yield Member(name, entry.file_size, _zip_refusal(name, entry), entry)

    def _open(self, member: Member) -> IO[bytes]:
        return self._zip.open(cast("zipfile.ZipInfo", member.entry))

    def __exit__(self, *_: object) -> None:
        self._zip.close()
        self._file.close()


class _Tar(Archive):
    def __init__(self, file: BinaryIO, packed_bytes: int) -> None:
        self._file = file
        self._stream = _Counted(_decompressed(file), packed_bytes)
        self._tar = tarfile.open(fileobj=cast("Any", self._stream), mode="r:")  # noqa: SIM115 closed with the archive

    def members(self) -> Iterator[Member]:
        count = 0
        try:
            while (entry := self._tar.next()) is not None:
                cast("Any", self._tar).members.clear()  # they would grow with the archive
                count += 1
                _check_count(count)
                if not entry.isdir():
                    yield Member(entry.name, entry.size, _tar_refusal(entry), entry)
        except NotOpened:
            raise
        except _DAMAGE as error:
            raise Damaged(f"the archive is damaged ({error})") from None

    def _open(self, member: Member) -> IO[bytes]:
        return self._tar.extractfile(cast("tarfile.TarInfo", member.entry)) or io.BytesIO()

    def __exit__(self, *_: object) -> None:
        self._tar.close()
        self._file.close()


def open_archive(path: Path) -> Archive:
    """The archive at a path. Raises Bomb, Refused, Damaged, and NotOpened for another kind of file."""
    file = open_file(path, MAX_ARCHIVE_BYTES)
    try:
        packed_bytes = file.seek(0, io.SEEK_END)
        file.seek(0)
        if zipfile.is_zipfile(file):
            file.seek(0)
            return _Zip(file, packed_bytes)
        file.seek(0)
        return _Tar(file, packed_bytes)
    except NotOpened as error:
        file.close()
        raise type(error)(f"{path}: {error.message}") from None
    except (*_DAMAGE, *_UNKNOWN_PACKING) as error:
        file.close()
        raise Damaged(f"{path} is no archive that can be read ({error}).") from None
    except BaseException:
        file.close()
        raise


def is_archive(path: Path) -> bool:
    """Whether a file is an archive. Raises Refused for a bomb, and for a link, pipe or device."""
    if path.is_dir():
        return False
    try:
        with open_archive(path):
            return True
    except Refused:
        raise
    except NotOpened:
        return False


def gunzip(data: bytes, max_bytes: int = MAX_FILE_BYTES) -> bytes:
    """What gzip packed. Raises NotOpened when it is larger than max_bytes, Damaged."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as packed:
            unpacked = packed.read(max_bytes + 1)
    except _DAMAGE as error:
        raise Damaged(f"cannot be unpacked ({error})") from None
    if len(unpacked) > max_bytes:
        raise NotOpened(too_large(max_bytes) + " when unpacked")
    return unpacked


class _Counted(io.RawIOBase):
    """A decompressed stream that ends where it has given more than its archive may unpack to."""

    def __init__(self, stream: BinaryIO, packed_bytes: int) -> None:
        self._stream = stream
        self._limit = _unpacked_limit(packed_bytes)

    def _expect(self, position: int) -> None:
        if position > self._limit:
            raise Bomb(_too_much(self._limit))

    def read(self, size: int = -1, /) -> bytes:
        """At most what may be left; headers are never larger than a file."""
        if size < 0 or size > MAX_FILE_BYTES:
            raise Bomb(f"a header {too_large(MAX_FILE_BYTES)}")
        data = self._stream.read(size)
        self._expect(self._stream.tell())
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        if whence == io.SEEK_SET:
            self._expect(offset)
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True


def _decompressed(file: BinaryIO) -> BinaryIO:
    """A tar as it was before it was compressed."""
    head = file.read(6)
    file.seek(0)
    opener = next((opener for magic, opener in _COMPRESSIONS.items() if head.startswith(magic)), None)
    return opener(file) if opener is not None else file


def _unpacked_limit(packed_bytes: int) -> int:
    return min(MAX_UNPACKED_BYTES, max(ARCHIVE_FLOOR_BYTES, MAX_ARCHIVE_RATIO * packed_bytes))


def _check_zip(entries: list[zipfile.ZipInfo], packed_bytes: int) -> None:
    """Raises Bomb for too many members, too much in all, and members that share their packed bytes."""
    _check_count(len(entries))
    limit = _unpacked_limit(packed_bytes)
    if sum(entry.file_size for entry in entries) > limit:
        raise Bomb(_too_much(limit))
    end = 0
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        if entry.header_offset < end:
            raise Bomb("members of the archive overlap, as in a zip bomb")
        end = entry.header_offset + entry.compress_size


def _check_count(count: int) -> None:
    if count > MAX_ARCHIVE_MEMBERS:
        raise Bomb(f"holds more than {MAX_ARCHIVE_MEMBERS:,} files")


def _too_much(limit: int) -> str:
    return f"unpacks to more than {limit / 1_000_000:.0f} MB: it looks like a zip bomb"


def _zip_name(entry: zipfile.ZipInfo) -> str:
    """The name in UTF-8 where it decodes so: several programs, Slack's among them, write UTF-8 without the flag that says so."""
    if entry.flag_bits & _UTF8_FLAG:
        return entry.filename
    with suppress(UnicodeError):
        return entry.filename.encode("cp437").decode("utf-8")
    return entry.filename


def _zip_refusal(name: str, entry: zipfile.ZipInfo) -> str | None:
    if stat.S_ISLNK(entry.external_attr >> 16):
        return "is a link"
    if entry.file_size > MEMBER_FLOOR_BYTES and entry.file_size > MAX_MEMBER_RATIO * max(
        entry.compress_size, 1
    ):
        return "unpacks to so much more than it is that it looks like a zip bomb"
    return _name_refusal(name)


def _tar_refusal(entry: tarfile.TarInfo) -> str | None:
    if entry.issym() or entry.islnk():
        return "is a link"
    if not entry.isreg() or entry.issparse():
        return "is not a regular file"
    return _name_refusal(entry.name)


def _name_refusal(name: str) -> str | None:
    """Why a name is none that a file of an archive may have."""
    parts = name.replace("\\", "/").split("/")
    if not parts[0] or ".." in parts or parts[0][1:2] == ":":
        return "leads out of the archive"
    return "is nested too deeply" if len(parts) > MAX_MEMBER_DEPTH else None
