"""Runs git, which knows every protocol, credential helper and proxy of the user's."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from rookery_core.errors import RookeryError

_BLOCK = 512
"""Bytes that the shell's `ulimit -f` counts in."""
_TOO_LARGE = "File too large"
_OF_THE_SURROUNDINGS = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY")


class GitFailed(RookeryError):
    """git could not do what it was asked for; the message is its own."""

    code = "git"


async def git(
    folder: Path,
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    largest_file: int | None = None,
    timeout_s: float | None = None,
) -> bytes:
    """What a git command prints, run in a folder. Raises GitFailed.

    largest_file: bytes that a file it writes may have. A command that is not waited for any longer is ended with all that
    it has started.
    """
    command = ["git", "-C", str(folder), *arguments]
    if largest_file is not None and os.name == "posix":
        # the signal for a file beyond the limit is ignored, so that git says which limit it was
        limit = f"trap '' XFSZ; ulimit -f {largest_file // _BLOCK} && exec \"$@\""
        command = ["sh", "-c", limit, "sh", *command]
    inherited = {name: value for name, value in os.environ.items() if name not in _OF_THE_SURROUNDINGS}
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**inherited, **(environment or {})},
            start_new_session=True,
        )
    except FileNotFoundError:
        raise GitFailed("git is not installed.") from None
    try:
        async with asyncio.timeout(timeout_s):
            out, error = await process.communicate()
    except TimeoutError:
        raise GitFailed(f"git: not done within {timeout_s} s.") from None
    finally:
        if process.returncode is None:
            await _end(process)
    if process.returncode:
        raise GitFailed(_complaint(process.returncode, error.decode("utf-8", "replace"), largest_file))
    return out


async def _end(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    await process.wait()


def _complaint(status: int, error: str, largest_file: int | None) -> str:
    if largest_file is not None and _TOO_LARGE in error:
        return f"git: larger than {largest_file / 1_000_000:.0f} MB."
    if status == 127:
        return "git is not installed."
    lines = [line.strip() for line in error.splitlines() if line.strip()]
    telling = next((line for line in lines if line.startswith(("fatal:", "error:"))), "")
    return f"git: {telling or (lines or [f'ended with status {status}'])[-1]}"
