"""How a command ends: what went wrong in one line on standard error, and the exit status."""

from __future__ import annotations

import asyncio
import errno
import io
import os
import sys
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from rookery_core.errors import RookeryError
from rookery_core.telemetry import LogSettings, configure_telemetry

Settings = TypeVar("Settings", bound=LogSettings)
INTERRUPTED = 130
_NOT_WRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EBADF, errno.EIO)


def run_configured(
    name: str,
    settings: Callable[[], Settings],
    command: Callable[[Settings], Coroutine[Any, Any, int | None]],
    *,
    interrupted: str = "",
) -> int:
    """Read the settings, log as they say, and run a command with them. Ends as `exit_status` has it."""

    def run() -> int | None:
        read = settings()
        configure_telemetry(read)
        return asyncio.run(command(read))

    return exit_status(name, run, interrupted=interrupted)


def exit_status(name: str, run: Callable[[], int | None], *, interrupted: str = "") -> int:
    """Run a command and say how it ended: 0 done, 1 failed, 2 wrong use or settings, 69 not reachable, 130 interrupted.

    name: as the user typed it. run: returns its own status, or None for done. interrupted: said when a person stops it.
    A reader that leaves early (`| head`) is no failure.
    """
    try:
        _tolerate_narrow_encodings()
        status = run()
        if sys.stdout is not None:  # pyright: ignore[reportUnnecessaryComparison] None when it was closed
            sys.stdout.flush()
        return status or 0
    except RookeryError as error:
        return _failed(name, error)
    except BaseExceptionGroup as group:
        ours = group.subgroup(RookeryError)
        if ours is None:
            raise
        return _failed(name, _first(ours))
    except KeyboardInterrupt:
        if interrupted:
            print(interrupted, file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        _discard_output()
        return 0
    except OSError as error:
        if error.filename is None and error.errno in _NOT_WRITABLE:
            _discard_output()
            print(f"{name}: cannot write the output: {error.strerror}", file=sys.stderr)
            return RookeryError.exit_status
        if error.filename is None:
            raise
        print(f"{name}: {error.filename}: {error.strerror}", file=sys.stderr)
        return RookeryError.exit_status


def _tolerate_narrow_encodings() -> None:
    """Replace characters that the terminal's encoding lacks (LANG=C), instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors in ("strict", "surrogateescape"):
            stream.reconfigure(errors="replace")


def _discard_output() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _failed(name: str, error: RookeryError) -> int:
    print(f"{name}: {error}", file=sys.stderr)
    return error.exit_status


def _first(group: BaseExceptionGroup[RookeryError]) -> RookeryError:
    inner = group.exceptions[0]
    return _first(inner) if isinstance(inner, BaseExceptionGroup) else inner
