"""Whether the server answers, and if not, why: from what it writes itself."""

from __future__ import annotations

import os
import socket
import time

from rookery_core.database.embedded import socket_folder
from rookery_core.database.embedded.layout import Layout
from rookery_core.database.embedded.locks import is_locked
from rookery_core.errors import Unavailable

START_PATIENCE_S = 60.0
_POLL_S = 0.01


def is_ready(layout: Layout) -> bool:
    """As the server itself writes it in the last line of its pid file, which it leaves when it is killed."""
    lines = _pid_file(layout)
    return len(lines) >= 8 and lines[7].strip() == "ready" and answers(layout)


def answers(layout: Layout, *, for_s: float = 0) -> bool:
    """Whether somebody listens on the server's socket, and still does `for_s` seconds later."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(socket_folder.socket_folder(layout) / socket_folder.SOCKET_NAME))
        except OSError:
            return False
    if for_s:  # a process that dies gives up its lock a moment before its socket
        time.sleep(for_s)
        return answers(layout)
    return True


def server_pid(layout: Layout) -> int:
    """The postmaster's process id, 0 when unknown; trustworthy only while the server lock is held."""
    lines = _pid_file(layout)
    return int(lines[0]) if lines and lines[0].isdigit() else 0


def _pid_file(layout: Layout) -> list[str]:
    try:
        descriptor = os.open(layout.data / "postmaster.pid", os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return []
    with os.fdopen(descriptor) as file:
        return file.read().splitlines()


def wait_until_ready(layout: Layout) -> None:
    """Return when the server answers. Raises Unavailable with its own reason when it stops or takes too long."""
    deadline = time.monotonic() + START_PATIENCE_S
    while not is_ready(layout):
        held = is_locked(layout.lock("server"))
        if not held or time.monotonic() > deadline:
            raise _failure(layout, died=not held)
        time.sleep(_POLL_S)


def _failure(layout: Layout, *, died: bool) -> Unavailable:
    try:
        lines = layout.log.read_text(errors="replace").splitlines()[-200:]
    except OSError:
        lines = []
    reasons = [line for line in lines if "FATAL" in line or "PANIC" in line or "error" in line.lower()]
    reason = (reasons or lines or ["no reason was logged"])[-1][-400:]
    state = "stopped while it started" if died else f"is not ready after {START_PATIENCE_S:.0f} seconds"
    return Unavailable(
        f"The embedded database {state}: {reason}", hint=f"See {layout.log}.", retry_after_s=10.0
    )
