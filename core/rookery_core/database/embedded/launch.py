"""Start the server that a cluster needs, or find it running."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rookery_core.database.embedded import binaries as programs
from rookery_core.database.embedded import cluster, readiness, socket_folder
from rookery_core.database.embedded.account import Account, server_account
from rookery_core.database.embedded.binaries import Binaries
from rookery_core.database.embedded.cluster import Passwords
from rookery_core.database.embedded.layout import Layout
from rookery_core.database.embedded.locks import is_locked, take_lock
from rookery_core.database.embedded.readiness import START_PATIENCE_S
from rookery_core.errors import ConfigurationError, Unavailable

_SUPERVISOR = Path(__file__).with_name("supervisor.py")
_LOG_LIMIT = 4 * 1024 * 1024
_SHARED_MEMORY_NEEDED = 512 * 1024 * 1024


def ensure_started(layout: Layout, *, idle_s: float, server_settings: Mapping[str, str]) -> Passwords:
    """The passwords of the server, which runs and answers when this returns. Call while holding a client's lease.

    Raises ConfigurationError or Unavailable, which say why it does not start and what to do.
    """
    passwords = _running(layout)
    if passwords is None:
        with take_lock(layout.lock("lock"), timeout_s=2 * START_PATIENCE_S):
            passwords = _started_by_another(layout) or _start(layout, idle_s, server_settings)
    if not is_locked(layout.lock("keeper")):
        _replace_supervisor(layout, idle_s)
    return passwords


def stop(layout: Layout) -> bool:
    """Stop the server now, even if programs use it: what runs is rolled back. Whether there was one to stop."""
    with take_lock(layout.lock("lock"), timeout_s=2 * START_PATIENCE_S):
        if not is_locked(layout.lock("server")):
            return False
        pid = readiness.server_pid(layout)
        if pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGINT)
        take_lock(layout.lock("server"), timeout_s=START_PATIENCE_S).close()
    return True


def _running(layout: Layout) -> Passwords | None:
    if not is_locked(layout.lock("server")) or not readiness.is_ready(layout):
        return None
    return cluster.read_passwords(layout)


def _started_by_another(layout: Layout) -> Passwords | None:
    """A server that runs by now, or is about to: who started it may have been killed before it was ready."""
    if not is_locked(layout.lock("server")):
        return None
    try:
        readiness.wait_until_ready(layout)
    except Unavailable:
        return None
    passwords = cluster.read_passwords(layout)
    if passwords is None:
        raise ConfigurationError(
            f"The embedded database runs, but its passwords in {layout.folder} are gone.",
            hint="Run `rookery db stop`: the next start makes new ones.",
        )
    return passwords


def _start(layout: Layout, idle_s: float, server_settings: Mapping[str, str]) -> Passwords:
    server_lock = take_lock(layout.lock("server"), timeout_s=START_PATIENCE_S)
    with server_lock:
        _refuse_unlockable(layout)
        account = server_account(layout.data)
        binaries = programs.prepare(layout, for_other_account=account.other)
        passwords = cluster.ensure(layout, binaries, account)
        socket_folder.prepare(socket_folder.socket_folder(layout), account)
        _remove_leftovers(layout)
        command = [binaries.program("postgres"), *_options(server_settings)]
        task = _task(layout, binaries, account, idle_s)
        _run_supervisor(
            task | {"command": command, "server_lock_descriptor": server_lock.fileno()},
            (server_lock.fileno(),),
        )
    readiness.wait_until_ready(layout)
    return passwords


def _refuse_unlockable(layout: Layout) -> None:
    """Raises ConfigurationError when a server answers although its lock is free: two would ruin the cluster."""
    if readiness.answers(layout, for_s=0.5):
        raise ConfigurationError(
            f"A server runs in {layout.folder}, but its lock is free: locks do not work on this file system.",
            hint="Set ROOKERY_DATA_DIR to a folder on a local disk.",
        )


def _replace_supervisor(layout: Layout, idle_s: float) -> None:
    """A supervisor for a server whose own supervisor was killed."""
    account = server_account(layout.data)
    binaries = programs.newest_copy(layout, for_other_account=account.other)
    if binaries is not None and layout.data.exists():
        _run_supervisor(_task(layout, binaries, account, idle_s) | {"command": []}, ())


def _task(layout: Layout, binaries: Binaries, account: Account, idle_s: float) -> dict[str, Any]:
    return {
        "idle_s": idle_s,
        "data": str(layout.data),
        "socket": str(socket_folder.socket_folder(layout)),
        "clients_lock": str(layout.lock("clients")),
        "server_lock": str(layout.lock("server")),
        "keeper_lock": str(layout.lock("keeper")),
        "password_file": str(layout.owner_password),
        "log": str(layout.log),
        "psql": binaries.program("psql"),
        "owner": cluster.OWNER,
        "account": account.process_options(),
        "environment": {"LC_ALL": "C", "PATH": "/usr/bin:/bin", "TZ": "UTC"},
    }


def _run_supervisor(task: dict[str, Any], descriptors: tuple[int, ...]) -> None:
    if not sys.executable:
        raise ConfigurationError(
            "The embedded database can not be started from a program that does not know its own Python.",
            hint="Set DATABASE_URL to use another PostgreSQL server.",
        )
    command = [sys.executable, "-I", "-S", str(_SUPERVISOR), json.dumps(task)]
    with open(task["log"], "ab") as log:
        done = subprocess.run(
            command, env=_environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log,
            pass_fds=descriptors, check=False, cwd="/",
        )  # fmt: skip
    if done.returncode != 0:
        raise Unavailable(
            f"The embedded database's supervisor did not start (exit status {done.returncode}).",
            retry_after_s=5.0,
        )


def _environment() -> dict[str, str]:
    """What the supervisor's Python may need, and none of this program's secrets: it lives for days."""
    needed = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH")
    return {"LC_ALL": "C", "PATH": "/usr/bin:/bin"} | {
        name: os.environ[name] for name in needed if name in os.environ
    }


def _options(server_settings: Mapping[str, str]) -> list[str]:
    settings = {"listen_addresses": "", "port": "5432", "unix_socket_permissions": "0700", **server_settings}
    if not _has_shared_memory():
        settings.setdefault("dynamic_shared_memory_type", "mmap")
    return [argument for name, value in settings.items() for argument in ("-c", f"{name}={value}")]


def _has_shared_memory() -> bool:
    """Whether parallel queries find room: containers often give /dev/shm no more than 64 MB."""
    try:
        return shutil.disk_usage("/dev/shm").total >= _SHARED_MEMORY_NEEDED  # noqa: S108 - only measured
    except OSError:
        return not sys.platform.startswith("linux")


def _remove_leftovers(layout: Layout) -> None:
    """What a killed server left. No process of it lives: the server lock is ours."""
    folder = socket_folder.socket_folder(layout)
    for path in (layout.data / "postmaster.pid", *folder.glob(".s.PGSQL.*")):
        path.unlink(missing_ok=True)
    with contextlib.suppress(FileNotFoundError):
        if layout.log.stat().st_size > _LOG_LIMIT:
            layout.log.replace(layout.log.with_suffix(".log.old"))
