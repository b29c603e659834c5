"""How much memory this machine has, as far as a process of it may use it."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

_LIMIT = Path("/sys/fs/cgroup/memory.max")
_SHARED = Path("/dev/shm")  # noqa: S108 - only measured


def memory() -> int:
    """Bytes of memory: the machine's, or what its container may have of it."""
    physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with suppress(OSError, ValueError):  # no container, or "max"
        return min(physical, int(_LIMIT.read_text()))
    return physical


def shared_memory() -> int:
    """Free bytes of what processes share memory through: containers often give it no more than 64 MB."""
    return shutil.disk_usage(_SHARED).free if _SHARED.is_dir() else memory()
