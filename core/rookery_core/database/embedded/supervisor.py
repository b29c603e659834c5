"""The process that starts the server, stays beside it, and stops it when nobody uses it.

Run as a script with one argument, a JSON object (see `launch.py`). It imports the standard library only and
everything at once, so that it survives the environment it was started from. As root it becomes the server's
account as soon as it has opened what it needs.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from typing import Any

COUNT_CLIENTS = (
    "select count(*) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()"
)
STOP_PATIENCE_S = 60.0


class ToldToStop(Exception):
    """SIGTERM came: a machine that shuts down sends it."""


class Supervisor:
    """Watches one server. Descriptors: `data` and `socket` folders, `clients`, `server` and `keeper` locks."""

    def __init__(self, task: dict[str, Any]) -> None:
        self.task = task
        self.idle_s = float(task["idle_s"])
        self.data = os.open(task["data"], os.O_RDONLY | os.O_DIRECTORY)
        self.socket = os.open(task["socket"], os.O_RDONLY | os.O_DIRECTORY)
        self.clients = os.open(task["clients_lock"], os.O_RDWR)
        self.server = os.open(task["server_lock"], os.O_RDWR)
        with open(task["password_file"], encoding="utf-8") as file:
            self.password = file.read().strip()
        self.process: subprocess.Popen[Any] | None = None

    def start_server(self) -> None:
        """Start the postmaster: in a separate session, holding the server lock as long as it lives."""
        descriptors = [self.task["server_lock_descriptor"], self.data, self.socket]
        with open(self.task["log"], "ab") as log:
            self.process = subprocess.Popen(
                self.task["command"] + self._places(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                pass_fds=descriptors, start_new_session=True, cwd="/", env=self.task["environment"],
                **self.task["account"],
            )  # fmt: skip
        os.close(self.task["server_lock_descriptor"])

    def _places(self) -> list[str]:
        data, socket = (self._seen_by_server("data"), self._seen_by_server("socket"))
        return ["-D", data, "-c", f"unix_socket_directories={socket}"]

    def _seen_by_server(self, name: str) -> str:
        return f"/proc/self/fd/{getattr(self, name)}" if self.task["account"] else self.task[name]

    def become_account(self) -> None:
        """Give up root's rights permanently."""
        account = self.task["account"]
        if account:
            os.setgroups([])
            os.setgid(account["group"])
            os.setuid(account["user"])

    def watch(self) -> None:
        """Return when the server is gone, which this sees to when nobody uses it."""
        try:
            self._watch()
        except ToldToStop:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            self.stop_server()

    def _watch(self) -> None:
        pause = min(max(self.idle_s / 5, 0.05), 10.0) if self.idle_s > 0 else 10.0
        since = time.time()
        while not self.server_is_gone():
            if not lock(self.clients, fcntl.LOCK_EX):
                since = time.time()
            else:
                since = max(since, os.fstat(self.clients).st_mtime)  # a client may have come and gone
                idle = self.idle_s > 0 and time.time() - since >= self.idle_s
                if idle and self.other_clients() == 0:
                    self.stop_server()  # with the lock held: who comes now waits, and starts it anew
                    return
                since = time.time() if idle else since
                fcntl.flock(self.clients, fcntl.LOCK_UN)
            time.sleep(pause)

    def server_is_gone(self) -> bool:
        """Whether the server this started has ended; for one it did not start, whether no process of it lives."""
        if self.process is not None:
            return self.process.poll() is not None
        return self.lock_is_free()

    def lock_is_free(self) -> bool:
        """Whether no process of a server of this folder lives."""
        if not lock(self.server, fcntl.LOCK_SH):
            return False
        fcntl.flock(self.server, fcntl.LOCK_UN)
        return True

    def other_clients(self) -> int:
        """Connections of programs that are not ours, which hold no lease; 0 when the server does not answer."""
        command = [self.task["psql"], "-XAtqc", COUNT_CLIENTS, "-U", self.task["owner"], "-d", "postgres"]
        environment = {"PGHOST": self._seen_by_server("socket"), "PGPASSWORD": self.password, "LC_ALL": "C"}
        try:
            done = subprocess.run(
                command, check=False, env=environment, pass_fds=[self.socket], capture_output=True, timeout=20
            )
            return int(done.stdout)
        except (OSError, ValueError, subprocess.TimeoutExpired):
            return 0

    def stop_server(self) -> None:
        """Fast shutdown: roll back what runs, write everything out."""
        pid = self.server_pid()
        deadline = time.monotonic() + STOP_PATIENCE_S
        if pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGINT)
        while not (self.server_is_gone() and self.lock_is_free()) and time.monotonic() < deadline:
            time.sleep(0.02)

    def server_pid(self) -> int:
        """The postmaster's process id; trustworthy because the server lock is held by it."""
        if self.process is not None:
            return self.process.pid
        try:
            descriptor = os.open("postmaster.pid", os.O_RDONLY | os.O_NOFOLLOW, dir_fd=self.data)
            with os.fdopen(descriptor) as file:
                return int(file.readline())
        except (OSError, ValueError):
            return 0


def raise_told_to_stop(number: int, frame: object) -> None:
    raise ToldToStop


def lock(descriptor: int, kind: int) -> bool:
    """Take the lock if that is possible at once."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def main() -> int:
    """Start the server, or take over one whose supervisor was killed, and watch it to its end. The task is JSON in argv."""
    task = json.loads(sys.argv[1])
    keeper_lock = os.open(task["keeper_lock"], os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    if os.fork():
        os._exit(0)  # the starter need not wait for, nor be the parent of, what follows
    os.setsid()
    os.umask(0o077)
    os.chdir("/")
    supervisor = Supervisor(task)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, raise_told_to_stop)
    kept = lock(keeper_lock, fcntl.LOCK_EX)
    if task["command"]:
        supervisor.start_server()
    elif not kept:
        return 0  # somebody else was faster to replace a supervisor that was killed
    supervisor.become_account()
    if not kept:
        fcntl.flock(
            keeper_lock, fcntl.LOCK_EX
        )  # the supervisor of the server before this one is on its way out
    supervisor.watch()
    return 0


if __name__ == "__main__":
    sys.exit(main())
