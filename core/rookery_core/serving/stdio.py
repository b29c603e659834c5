"""Serving over standard input and output.

The SDK's parser takes half of a surrogate pair for invalid JSON and drops the whole request without a response, so
lines are repaired first. Its thread that reads standard input cannot be interrupted, so it reads a pipe instead, which
Ctrl-C closes.
"""

from __future__ import annotations

import os
import re
import select
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

import anyio
from mcp.server import stdio

from rookery_core.console import INTERRUPTED

_CHUNK_BYTES = 64 * 1024
_CLIENT_LEFT = (BrokenPipeError, anyio.BrokenResourceError, anyio.ClosedResourceError)

_ESCAPES = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\."
)
_Wrapper = stdio._UnownedTextWrapper  # pyright: ignore[reportPrivateUsage] no public way to see the lines first


def repair_surrogates(line: str) -> str:
    r"""A line of JSON with U+FFFD for each `\ud800` that is not half of a pair."""
    if "\\u" not in line:
        return line
    return _ESCAPES.sub(lambda escape: "\\ufffd" if escape[1] else escape[0], line)


class RepairedText(_Wrapper):
    """The text of standard input, repaired line by line."""

    def readline(self, size: int = -1, /) -> str:
        return repair_surrogates(super().readline(size))


def repair_standard_input() -> None:
    """Let the SDK's server over stdio read through `RepairedText`."""
    stdio._UnownedTextWrapper = RepairedText  # pyright: ignore[reportPrivateUsage]


def terminal_hint(name: str) -> str:
    """What a server prints when a person starts it in a terminal."""
    return (
        f"{name}: an MCP server that waits for a client on standard input. `rookery install` adds it to a client; "
        f"`{name} --transport http` serves HTTP; Ctrl-C ends it."
    )


def serve_stdio(name: str, run: Callable[[], None]) -> int:
    """Let `run` serve until the client leaves or Ctrl-C. Returns the exit status.

    Raises BrokenPipeError when the client left while a response was written.
    """
    repair_standard_input()
    if sys.stdin is not None and sys.stdin.isatty():  # pyright: ignore[reportUnnecessaryComparison] None when it was closed
        print(terminal_hint(name), file=sys.stderr)
    interrupted = _close_input_on_interrupt()
    try:
        run()
    except BaseExceptionGroup as group:
        if group.split(_CLIENT_LEFT)[1] is not None:
            raise
        raise BrokenPipeError from None
    return INTERRUPTED if interrupted.is_set() else 0


def _close_input_on_interrupt() -> threading.Event:
    """Let the first SIGINT end standard input, as a client that leaves does. The event says that it came."""
    interrupted = threading.Event()
    if sys.platform == "win32":
        return interrupted
    try:
        source = os.dup(0)
    except OSError:  # standard input was closed
        return interrupted
    reader, writer = os.pipe()
    woken, wake = os.pipe()
    os.dup2(reader, 0)
    os.close(reader)

    def interrupt(*_: Any) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        interrupted.set()
        os.write(wake, b"x")

    signal.signal(signal.SIGINT, interrupt)
    threading.Thread(target=_relay, args=(source, writer, woken), daemon=True).start()
    return interrupted


def _relay(source: int, writer: int, woken: int) -> None:
    """Copy `source` to `writer` until it ends, or until `woken` has something to read."""
    try:
        while woken not in select.select([source, woken], [], [])[0]:
            chunk = os.read(source, _CHUNK_BYTES)
            if not chunk:
                break
            while chunk:
                chunk = chunk[os.write(writer, chunk) :]
    except OSError:
        pass  # a terminal that is gone, or a server that no longer reads
    finally:
        os.close(writer)
