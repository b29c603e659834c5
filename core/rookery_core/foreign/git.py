"""The only place that runs git for repositories of others.

git runs commands that a repository's configuration names (fsmonitor, hooks, filters, pagers, ssh), and follows the paths in it
(worktree, alternates, includes). So no command is ever run in a foreign repository: of a working copy, git gets a copy of
the index in an empty repository; what is fetched of a host goes into an empty repository, and is read from there
without any configuration.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import signal
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rookery_core.errors import RookeryError
from rookery_core.foreign.files import ForeignFolder, NotOpened, read_file
from rookery_core.foreign.limits import (
    GIT_LOCAL_TIMEOUT_S,
    GIT_REMOTE_TIMEOUT_S,
    MAX_INDEX_BYTES,
    MAX_LINK_FILE_BYTES,
    MAX_REPOSITORY_BYTES,
    MAX_SHARED_INDEXES,
)

_ULIMIT_BYTES = 512
"""What the shell's `ulimit -f` counts in."""
_TOO_LARGE = "File too large"
_SHARED_INDEX = re.compile(r"sharedindex\.[0-9a-f]{40,64}")
_GITLINK, _SYMLINK = "160000", "120000"

_HARDENING = {
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "core.pager": "cat",
    "core.attributesFile": os.devnull,
    "core.untrackedCache": "false",
    "core.alternateRefsCommand": "",
    "diff.external": "",
    "fetch.recurseSubmodules": "false",
    "fetch.writeCommitGraph": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "protocol.ext.allow": "never",
    "protocol.file.allow": "never",
    "safe.bareRepository": "explicit",
    "submodule.recurse": "false",
    "transfer.bundleURI": "false",
}
_REMOTE = {
    "fetch.unpackLimit": "1",  # one file for all objects, so that a limit for files is one for the repository
    "http.followRedirects": "false",
    "http.lowSpeedLimit": "500",
    "http.lowSpeedTime": "30",
}
_ENVIRONMENT = {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
_WITHOUT_CONFIGURATION = {
    "GIT_ALLOW_PROTOCOL": "",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
}
_KEPT_FOR_HOSTS = re.compile(
    r"GIT_(?:SSH(?:_COMMAND|_VARIANT)?|ASKPASS|SSL_\w+|HTTP_\w+|PROXY_\w+"
    r"|CONFIG_(?:COUNT|KEY_\d+|VALUE_\d+|GLOBAL|SYSTEM|NOSYSTEM))"
)
"""Variables by which the operator gives git an identity, a proxy or certificates for a host."""


class GitFailed(RookeryError):
    """git could not do what it was asked for; the message is its own."""

    code = "git"


@dataclass(frozen=True, slots=True)
class WorkingCopy:
    """A working copy. prefix: the named folder below its root, with a slash at its end. names: tracked files below the root."""

    root: Path
    prefix: str
    names: frozenset[str]


async def read_working_copy(folder: Path) -> WorkingCopy:
    """Which files git tracks in the working copy that a folder is in. Raises GitFailed."""
    root, prefix, git_folder = await asyncio.to_thread(_find_repository, folder)
    index = await asyncio.to_thread(_read_index, git_folder)
    with tempfile.TemporaryDirectory(prefix="rookery-git-") as scratch:
        own = Path(scratch, "repository")
        await _init(own, _object_format(index["index"]) if index else "sha1")
        for name, data in index.items():
            await asyncio.to_thread((own / name).write_bytes, data)
        listed = await _local(own, "ls-files", "-z", "--stage", "--sparse")
    return WorkingCopy(root, prefix, _tracked_names(listed))


async def list_remote(url: str, names: list[str]) -> dict[str, str]:
    """The revision of each name that a host has. Raises GitFailed."""
    with tempfile.TemporaryDirectory(prefix="rookery-git-") as nowhere:
        listed = await _remote(Path(nowhere), "ls-remote", "--", url, *names)
    rows = (line.partition("\t") for line in listed.decode("utf-8", "replace").splitlines())
    return {name: revision for revision, _, name in rows}


async def download_tree(url: str, name: str, path: str, packed: Path) -> None:
    """Write the tree at a path of a host's revision into a new tar file. Raises GitFailed."""
    with tempfile.TemporaryDirectory(prefix="rookery-git-", dir=packed.parent) as scratch:
        own = Path(scratch, "repository")
        await _init(own)
        await _remote(own, "--git-dir=.", "fetch", "--quiet", "--depth=1", "--no-tags", "--", url, name)
        # a tree, not a commit: attributes of the repository then have no commit to write about
        tree = f"FETCH_HEAD:{path}"
        await _local(own, "archive", "--format=tar", f"--output={packed}", "--end-of-options", tree)


async def _init(folder: Path, object_format: str = "sha1") -> None:
    arguments = ("init", "--quiet", "--bare", "--template=", f"--object-format={object_format}", folder.name)
    await _run(folder.parent, {}, arguments, _own_environment(), GIT_LOCAL_TIMEOUT_S)


async def _local(folder: Path, *arguments: str) -> bytes:
    """Runs in a repository of our own, with no configuration but ours."""
    return await _run(folder, {}, ("--git-dir=.", *arguments), _own_environment(), GIT_LOCAL_TIMEOUT_S)


async def _remote(folder: Path, *arguments: str) -> bytes:
    """Runs with the operator's configuration, which knows proxies, certificates and credential helpers."""
    environment = {
        **_inherited(_KEPT_FOR_HOSTS),
        **_ENVIRONMENT,
        "GIT_ALLOW_PROTOCOL": "https:http:ssh",
        "GIT_SSH_COMMAND": os.environ.get("GIT_SSH_COMMAND", "ssh -o BatchMode=yes"),
    }
    return await _run(folder, _REMOTE, arguments, environment, GIT_REMOTE_TIMEOUT_S)


def _own_environment() -> dict[str, str]:
    return {**_inherited(None), **_ENVIRONMENT, **_WITHOUT_CONFIGURATION}


def _inherited(kept: re.Pattern[str] | None) -> dict[str, str]:
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or name == "GIT_EXEC_PATH" or (kept and kept.fullmatch(name))
    }


def _find_repository(folder: Path) -> tuple[Path, str, Path]:
    """The root of the working copy that a folder is in, the folder's prefix there, and where its index is. Raises GitFailed."""
    try:
        start = folder.resolve(strict=True)
    except (OSError, RuntimeError):
        raise GitFailed(f"{folder} does not exist.") from None
    for root in (start, *start.parents):
        link = root / ".git"
        if link.is_symlink():
            raise GitFailed(f"{link} is a symbolic link.")
        if link.exists():
            prefix = "" if start == root else start.relative_to(root).as_posix() + "/"
            return root, prefix, link if link.is_dir() else _linked_folder(link)
    raise GitFailed(f"{folder} is in no git working copy (no .git folder here or above).")


def _linked_folder(link: Path) -> Path:
    """The folder that a `.git` file of a linked working copy or submodule names. Raises GitFailed."""
    try:
        text = read_file(link, MAX_LINK_FILE_BYTES).decode("utf-8", "surrogateescape")
    except NotOpened as error:
        raise GitFailed(error.message) from None
    target = Path(link.parent, text.removeprefix("gitdir:").strip())
    if not text.startswith("gitdir:") or not target.is_dir():
        raise GitFailed(f"{link} names no git folder.")
    return target


def _read_index(git_folder: Path) -> dict[str, bytes]:
    """The index, and the shared ones that it may build on, by name; nothing before the first file is tracked. Raises GitFailed."""
    if not (git_folder / "index").exists():
        return {}
    shared = sorted(
        path.name for path in git_folder.glob("sharedindex.*") if _SHARED_INDEX.fullmatch(path.name)
    )
    try:
        foreign = ForeignFolder(git_folder)
        return {name: foreign.read(name, MAX_INDEX_BYTES) for name in ("index", *shared[:MAX_SHARED_INDEXES])}
    except NotOpened as error:
        raise GitFailed(f"{git_folder / 'index'}: {error.message}") from None


def _object_format(index: bytes) -> str:
    """The hash that an index ends with; zeros where the repository leaves it out. Raises GitFailed for a damaged index."""
    for name, hash_of, size in (("sha256", hashlib.sha256, 32), ("sha1", hashlib.sha1, 20)):
        if index[-size:] in (hash_of(index[:-size]).digest(), bytes(size)):
            return name
    raise GitFailed("The index of the working copy is damaged.")


def _tracked_names(listed: bytes) -> frozenset[str]:
    """The names of `ls-files --stage`, without submodules and the folders that a sparse checkout leaves out."""
    rows = (row.partition("\t") for row in listed.decode("utf-8", "surrogateescape").split("\0") if row)
    return frozenset(name for facts, _, name in rows if facts[:6] != _GITLINK and not name.endswith("/"))


async def _run(
    folder: Path,
    options: Mapping[str, str],
    arguments: tuple[str, ...],
    environment: Mapping[str, str],
    timeout_s: float,
) -> bytes:
    """What a git command prints. A command that is not waited for any longer is ended with all that it has started."""
    settings = [
        part for name, value in {**_HARDENING, **options}.items() for part in ("-c", f"{name}={value}")
    ]
    command = ["git", "--no-pager", *settings, *arguments]
    if os.name == "posix":
        # the signal for a file beyond the limit is ignored, so that git says which limit it was
        limit = f"trap '' XFSZ; ulimit -f {MAX_REPOSITORY_BYTES // _ULIMIT_BYTES} && exec \"$@\""
        command = ["sh", "-c", limit, "sh", *command]
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )
    except FileNotFoundError:
        raise GitFailed("git is not installed.") from None
    try:
        async with asyncio.timeout(timeout_s):
            out, error = await process.communicate()
    except TimeoutError:
        raise GitFailed(f"git: not done within {timeout_s:g} s.") from None
    finally:
        if process.returncode is None:
            await _end(process)
    if process.returncode:
        raise GitFailed(_complaint(process.returncode, error.decode("utf-8", "replace")))
    return out


async def _end(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    await process.wait()


def _complaint(status: int, error: str) -> str:
    if _TOO_LARGE in error:
        return f"git: larger than {MAX_REPOSITORY_BYTES / 1_000_000:.0f} MB."
    if status == 127:
        return "git is not installed."
    lines = [line.strip() for line in error.splitlines() if line.strip()]
    telling = next((line for line in lines if line.startswith(("fatal:", "error:"))), "")
    return f"git: {telling or (lines or [f'ended with status {status}'])[-1]}"
