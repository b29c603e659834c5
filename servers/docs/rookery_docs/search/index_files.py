"""Indexes as files, which every server of a machine maps into memory: made once, held once, ready at the next start."""

from __future__ import annotations

import asyncio
import fcntl
import json
import math
import os
import tempfile
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rookery_core.telemetry import get_logger
from rookery_docs.search import weights
from rookery_docs.search.release_index import IndexedPage, ReleaseIndex

if TYPE_CHECKING:
    from numpy.typing import NDArray

logger = get_logger(__name__)
LAYOUT = 3
"""Grows when what a file holds changes its meaning."""
UNUSED_S = 30 * 86_400.0
"""Files that nobody has opened for so long are removed."""
_PATIENCE_S = 60.0
_ALIGNMENT = 64
_MAGIC = b"rookery index\n"


@dataclass(frozen=True, slots=True)
class IndexName:
    """What an index is of. release: a version of a team's source. model: of its vectors. edition: its state."""

    release: tuple[str, str, str]
    model: str
    edition: str

    @property
    def stem(self) -> str:
        """The same for every edition. Weights are part of it, because they are part of an index."""
        made_with = (LAYOUT, weights.WEIGHT, weights.LENGTH, weights.PRIOR)
        made_with += (weights.PASSAGE_SATURATION, weights.PAGE_SATURATION)
        told = json.dumps([self.release, self.model, made_with])
        return blake2b(told.encode(), digest_size=12).hexdigest()

    @property
    def file(self) -> str:
        """The file's name."""
        return f"{self.stem}-{self.edition}.index"


class IndexFiles:
    """The index files of a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, name: IndexName) -> ReleaseIndex | None:
        """The index of that name, mapped; None when there is none that can be read."""
        file = self._folder / name.file
        try:
            index = _mapped(file)
            os.utime(file)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            logger.warning("%s is made anew: it cannot be read (%s)", file, error)
            return None
        return index

    def save(self, name: IndexName, index: ReleaseIndex) -> ReleaseIndex:
        """Keep the index and answer with the mapped one; with the one given where no file can be written."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self._folder, delete=False) as file:
                _write(file, index)
            os.replace(file.name, self._folder / name.file)
            self._forget(name)
        except OSError as error:
            logger.info("indexes are kept in memory only: %s", error)
            return index
        return self.load(name) or index

    @asynccontextmanager
    async def making(self, name: IndexName) -> AsyncGenerator[None]:
        """Hold the making of a release's index: another process that wants it waits a while for the file."""
        descriptor = self._lock_file(name)
        if descriptor is None:
            yield
            return
        try:
            await _locked(descriptor)
            yield
        finally:
            os.close(descriptor)

    def _lock_file(self, name: IndexName) -> int | None:
        with suppress(OSError):  # where no file can be written, none has to be waited for
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            return os.open(self._folder / f"{name.stem}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        return None

    def _forget(self, name: IndexName) -> None:
        """Remove earlier editions, and what was long unused. Whoever has mapped a file keeps what it has."""
        for file in self._folder.glob("*.index"):
            with suppress(OSError):
                earlier = file.name.startswith(name.stem) and file.name != name.file
                if earlier or time.time() - file.stat().st_mtime > UNUSED_S:
                    file.unlink()


async def _locked(descriptor: int) -> None:
    """Take the lock, or go on without it after `_PATIENCE_S`: then the same is made twice, which only costs time."""
    give_up_at = time.monotonic() + _PATIENCE_S
    while time.monotonic() < give_up_at:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            await asyncio.sleep(0.05)
        else:
            return


def _write(file: Any, index: ReleaseIndex) -> None:
    """A line of JSON that says where each array is, then the arrays."""
    listed: dict[str, tuple[str, tuple[int, ...], int]] = {}
    offset = 0
    for key, array in index.arrays.items():
        listed[key] = (array.dtype.str, array.shape, offset)
        offset += -(-array.nbytes // _ALIGNMENT) * _ALIGNMENT
    head = (
        _MAGIC + json.dumps({"arrays": listed, "pages": list(index.listed), "size": offset}).encode() + b"\n"
    )
    file.write(head.ljust(-(-len(head) // _ALIGNMENT) * _ALIGNMENT, b"\n"))
    for array in index.arrays.values():
        file.write(np.ascontiguousarray(array).data.cast("B") if array.size else b"")
        file.write(b"\0" * (-array.nbytes % _ALIGNMENT))


def _mapped(file: Path) -> ReleaseIndex:
    whole = np.memmap(file, dtype=np.uint8, mode="r").view(np.ndarray)
    if bytes(whole[: len(_MAGIC)]) != _MAGIC:
        raise ValueError("it is no index")
    with file.open("rb") as handle:
        handle.seek(len(_MAGIC))
        head = json.loads(handle.readline())
        start = -(-handle.tell() // _ALIGNMENT) * _ALIGNMENT
    if len(whole) != start + head["size"]:
        raise ValueError("it is cut short")
    arrays: dict[str, NDArray[Any]] = {}
    for key, (kind, shape, offset) in head["arrays"].items():
        dtype = np.dtype(kind)
        count = math.prod(shape)
        arrays[key] = (
            np.frombuffer(whole, dtype, count, start + offset).reshape(shape)
            if count
            else np.zeros(shape, dtype)
        )
    return ReleaseIndex(arrays, [IndexedPage(*page) for page in head["pages"]])
