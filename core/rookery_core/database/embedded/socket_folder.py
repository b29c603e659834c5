"""The folder of the server's socket: private, and with a path short enough for one."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from rookery_core.database.embedded.account import Account
from rookery_core.database.embedded.layout import Layout
from rookery_core.errors import ConfigurationError

SHORT_FOLDERS = Path("/tmp")  # noqa: S108 - a folder of ours in it, checked for owner and mode
LONGEST = 100
"""Bytes. The operating systems allow 104 to 108 with the terminating null."""
SOCKET_NAME = ".s.PGSQL.5432"


def socket_folder(layout: Layout) -> Path:
    """The folder for this data folder's server: the same for every program of the user, in any environment."""
    inside = layout.folder / "socket"
    if len(os.fsencode(inside / SOCKET_NAME)) <= LONGEST:
        return inside
    digest = hashlib.sha256(os.fsencode(layout.folder)).hexdigest()[:16]
    return SHORT_FOLDERS / f"rookery-{os.geteuid()}-{digest}"


def prepare(folder: Path, account: Account) -> None:
    """Make the folder for the account, or check that what is there is private and its own.

    Raises ConfigurationError when somebody else made a thing of that name.
    """
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        pass
    else:
        account.give(folder)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid not in {account.uid, os.geteuid()}:
        raise ConfigurationError(
            f"{folder} should be the folder of the database's socket, but is not a folder of this user.",
            hint="Remove it, or set ROOKERY_DATA_DIR to a folder with a shorter path.",
        )
    if status.st_uid != account.uid:
        account.give(folder)
    if stat.S_IMODE(status.st_mode) != 0o700:
        folder.chmod(0o700)
