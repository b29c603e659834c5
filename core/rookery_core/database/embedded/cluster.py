"""Create a cluster: complete under its name, or not there."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from rookery_core.available_memory import memory
from rookery_core.database.embedded.account import Account
from rookery_core.database.embedded.binaries import Binaries
from rookery_core.database.embedded.layout import Layout
from rookery_core.errors import ConfigurationError, Unavailable

OWNER = "postgres"
APP = "rookery_app"
DATABASE = "rookery"

_ACCESS = "# Only over the socket, and only with a password.\nlocal all all scram-sha-256\n"
_SETTINGS = {
    "timezone": "UTC",
    "log_timezone": "UTC",
    "max_connections": "100",
    "work_mem": "16MB",
    "maintenance_work_mem": "256MB",  # an HNSW index that fits is built several times faster
    "random_page_cost": "1.1",
    "password_encryption": "scram-sha-256",
}
_PREWARM = "pg_prewarm"
"""Reads again, in the background of a start, what was in memory when the server stopped."""


@dataclass(frozen=True, slots=True)
class Passwords:
    """Of the superuser, who migrates, and of the login that serves."""

    owner: str
    app: str


def ensure(layout: Layout, binaries: Binaries, account: Account) -> Passwords:
    """The passwords of the cluster, which is created when there is none. Call under the start lock.

    Raises Unavailable when it can not be created, for example because the disk is full.
    """
    shutil.rmtree(layout.data_in_making, ignore_errors=True)  # left by a process that was killed
    stored = read_passwords(layout)
    if layout.data.is_dir() and stored is not None:
        return stored
    passwords = Passwords(secrets.token_urlsafe(24), secrets.token_urlsafe(24))
    if layout.data.is_dir():
        _set_passwords(layout.data, binaries, account, passwords)
        _write_passwords(layout, passwords)
        return passwords
    making = layout.data_in_making
    making.mkdir(mode=0o700)
    account.give(making)
    try:
        _initialise(making, binaries, account)
        _set_passwords(making, binaries, account, passwords, create=True)
        _restrict_access(making)
        _sync(making, binaries, account)
        _write_passwords(layout, passwords)
        making.rename(layout.data)
        _sync_folder(layout.folder)
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return passwords


def read_passwords(layout: Layout) -> Passwords | None:
    """The passwords as kept beside the cluster, or None when they are missing."""
    try:
        owner, app = (path.read_text().strip() for path in (layout.owner_password, layout.app_password))
    except FileNotFoundError:
        return None
    return Passwords(owner, app) if owner and app else None


@contextlib.contextmanager
def reachable(folder: Path, account: Account) -> Generator[tuple[str, tuple[int, ...]]]:
    """A path by which a child of that account reaches the folder, and the descriptors to pass on for it.

    Folders above it stay closed to the account: root opens the folder, and the child gets it as a descriptor.
    """
    if not account.other:
        yield str(folder), ()
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        yield f"/proc/self/fd/{descriptor}", (descriptor,)
    finally:
        os.close(descriptor)


def memory_settings() -> dict[str, str]:
    """An eighth of the memory for PostgreSQL's own cache, up to two gigabytes: pages of it are taken as they are used."""
    have = memory() >> 20
    return {
        "shared_buffers": f"{min(max(have // 8, 128), 2048)}MB",
        "effective_cache_size": f"{max(have // 2, 256)}MB",
    }


def _initialise(folder: Path, binaries: Binaries, account: Account) -> None:
    chosen = _SETTINGS | memory_settings()
    if binaries.has_library(_PREWARM):  # a server does not start without a library that it is told to load
        chosen["shared_preload_libraries"] = _PREWARM
    settings = [f"--set={name}={value}" for name, value in chosen.items()]
    _run(
        folder, binaries, account, "initdb",
        ["--no-sync", "--no-instructions", f"--username={OWNER}", "--auth=trust", "--encoding=UTF8",
         "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", *settings],
    )  # fmt: skip


def _set_passwords(
    folder: Path, binaries: Binaries, account: Account, passwords: Passwords, *, create: bool = False
) -> None:
    """Through PostgreSQL's single-user mode, which needs no password and opens no socket."""
    statements = [f"create database {DATABASE}", f"create role {APP} login"] if create else []
    statements += [
        f"alter role {OWNER} password '{passwords.owner}'",
        f"alter role {APP} password '{passwords.app}'",
    ]
    text = "".join(statement + "\n" for statement in statements)
    _run(folder, binaries, account, "postgres", ["--single", "-F", "-j", OWNER], text.replace("\n", ";\n\n"))


def _restrict_access(folder: Path) -> None:
    flags = os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW
    with os.fdopen(os.open(folder / "pg_hba.conf", flags), "w") as access:
        access.write(_ACCESS)


def _sync(folder: Path, binaries: Binaries, account: Account) -> None:
    _run(
        folder,
        binaries,
        account,
        "initdb",
        ["--sync-only", *(["--sync-method=syncfs"] if sys.platform.startswith("linux") else [])],
    )


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_passwords(layout: Layout, passwords: Passwords) -> None:
    for path, password in ((layout.owner_password, passwords.owner), (layout.app_password, passwords.app)):
        descriptor, name = tempfile.mkstemp(prefix=path.name, dir=path.parent)  # mode 0600
        with os.fdopen(descriptor, "w") as file:
            file.write(password + "\n")
            file.flush()
            os.fsync(descriptor)
        os.replace(name, path)


def _run(
    folder: Path, binaries: Binaries, account: Account, program: str, options: list[str], text: str = ""
) -> None:
    with reachable(folder, account) as (path, descriptors):
        command = [binaries.program(program), *_placed(program, path, options)]
        try:
            done = subprocess.run(
                command, check=False, input=text, text=True, capture_output=True, pass_fds=descriptors, cwd="/",
                env={"LC_ALL": "C", "PATH": "/usr/bin:/bin", "TZ": "UTC"}, **account.process_options(),
            )  # fmt: skip
        except OSError as error:
            raise _unfit(program, error.strerror or str(error)) from None
    errors = [
        line for line in done.stderr.splitlines() if "ERROR" in line or "FATAL" in line or "PANIC" in line
    ]
    if done.returncode != 0 or (program == "postgres" and errors):
        if "GLIBC" in done.stderr or "cannot open shared object" in done.stderr:
            raise _unfit(program, done.stderr.strip())
        reason = "; ".join(errors) or done.stderr.strip() or f"exit status {done.returncode}"
        raise Unavailable(
            f"The embedded database could not be created in {folder}: {reason[-600:]}",
            hint="Check that the disk has room (about 100 MB) and that the folder is on a local file system.",
        )


def _placed(program: str, path: str, options: list[str]) -> list[str]:
    if program == "postgres":  # the mode comes first, the database last
        return [options[0], "-D", path, *options[1:]]
    return ["-D", path, *options]


def _unfit(program: str, reason: str) -> ConfigurationError:
    return ConfigurationError(
        f"PostgreSQL's {program} does not run on this machine: {reason[-300:]}.",
        hint="Set DATABASE_URL to use another PostgreSQL server (16 or newer, with pgvector).",
    )
