"""The operating system's account that the server runs as. PostgreSQL refuses to run as root."""

from __future__ import annotations

import os
import pwd
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rookery_core.errors import ConfigurationError

CANDIDATES = ("rookery", "postgres", "nobody")
"""Tried in this order by root."""


@dataclass(frozen=True, slots=True)
class Account:
    """Who the server runs as. `other` when that is not who runs this program: then this program is root."""

    uid: int
    gid: int
    other: bool

    def process_options(self) -> dict[str, Any]:
        """What subprocess needs to run a program as this account."""
        if not self.other:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def give(self, path: Path) -> None:
        """Make it the owner of a file or folder that this program has just made."""
        if self.other:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)


def server_account(data: Path) -> Account:
    """The account for the cluster in `data`: its owner, or for a new one this user or, for root, a lesser one.

    Raises ConfigurationError when root finds no lesser account.
    """
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), other=False)
    if not sys.platform.startswith("linux"):
        raise ConfigurationError(
            "The embedded database does not run for root on this system.",
            hint="Run Rookery as an ordinary user, or set DATABASE_URL to use another server.",
        )
    try:
        status = data.lstat()
    except FileNotFoundError:
        return _least_account()
    return Account(status.st_uid, status.st_gid, other=True) if status.st_uid else _least_account()


def _least_account() -> Account:
    for name in CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(entry.pw_uid, entry.pw_gid, other=True)
    raise ConfigurationError(
        f"PostgreSQL does not run as root, and none of the accounts {', '.join(CANDIDATES)} exists.",
        hint="Create one (useradd --system rookery), run Rookery as another user, or set DATABASE_URL.",
    )
