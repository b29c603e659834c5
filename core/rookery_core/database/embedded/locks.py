"""Advisory file locks that the kernel releases when their holder dies, even by SIGKILL."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from typing import Self

from rookery_core.database.embedded.layout import Layout
from rookery_core.errors import Unavailable

_POLL_S = 0.02


class FileLock:
    """A lock on a file, held from creation until `close`; `fileno` may be handed on to a child process."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def fileno(self) -> int:
        return self._descriptor

    def close(self) -> None:
        """Give the lock up. A child that inherited the descriptor keeps it."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def try_lock(path: Path, *, shared: bool = False) -> FileLock | None:
    """The lock, or None when another process has it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except BaseException:
        os.close(descriptor)
        raise
    return FileLock(descriptor)


def take_lock(path: Path, *, shared: bool = False, timeout_s: float = 60.0) -> FileLock:
    """The lock, waited for. Raises Unavailable when another process keeps it for longer than `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while True:
        lock = try_lock(path, shared=shared)
        if lock is not None:
            return lock
        if time.monotonic() > deadline:
            raise Unavailable(
                f"Another process has held {path} for more than {timeout_s:.0f} seconds.",
                hint="It is starting or stopping the embedded database; see server.log beside it.",
                retry_after_s=5.0,
            )
        time.sleep(_POLL_S)


def is_locked(path: Path) -> bool:
    """Whether a process holds the file's lock for itself. Those who only ask do not get in each other's way."""
    if not path.exists():
        return False
    lock = try_lock(path, shared=True)
    if lock is None:
        return True
    lock.close()
    return False


def take_lease(layout: Layout) -> int:
    """The descriptor that holds the lease until it is closed. Waits while an idle server is being stopped."""
    path = layout.lock("clients")
    lock = take_lock(path, shared=True)
    os.utime(path)  # so that the supervisor notices a client that came and went between two looks
    return lock.fileno()
