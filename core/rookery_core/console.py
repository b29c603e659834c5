"""How a command ends: what went wrong in one line on standard error, and the exit status."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from rookery_core.errors import RookeryError

INTERRUPTED = 130


def exit_status(name: str, run: Callable[[], int | None], *, interrupted: str = "") -> int:
    """Run a command and say how it ended: 0 done, 1 failed, 2 wrong use or settings, 69 not reachable, 130 interrupted.

    name: as the user typed it. run: returns its own status, or None for done. interrupted: said when a person stops it.
    A reader that leaves early (`| head`) is no failure.
    """
    try:
        status = run()
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
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        if error.filename is None:
            raise
        print(f"{name}: {error.filename}: {error.strerror}", file=sys.stderr)
        return RookeryError.exit_status


def _failed(name: str, error: RookeryError) -> int:
    print(f"{name}: {error}", file=sys.stderr)
    return error.exit_status


def _first(group: BaseExceptionGroup[RookeryError]) -> RookeryError:
    inner = group.exceptions[0]
    return _first(inner) if isinstance(inner, BaseExceptionGroup) else inner
