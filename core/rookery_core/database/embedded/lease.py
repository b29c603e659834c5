"""A program's claim on the running server: a shared lock, released when the program ends in any way."""

from __future__ import annotations

import os

from rookery_core.database.embedded.layout import Layout
from rookery_core.database.embedded.locks import take_lock


def take(layout: Layout) -> int:
    """The descriptor that holds the lease until it is closed. Waits while an idle server is being stopped."""
    path = layout.lock("clients")
    lock = take_lock(path, shared=True)
    os.utime(path)  # so that the supervisor notices a client that came and went between two looks
    return lock.fileno()
