"""Where the embedded server keeps what belongs to it, below ROOKERY_DATA_DIR.

postgresql-18/            mode 0700, of the user who runs Rookery
    data/                 the cluster
    socket/               the only way in (another folder when this path is too long for a socket)
    owner.password        of the superuser `postgres`; mode 0600
    app.password          of `rookery_app`, with which programs log in; mode 0600
    server.log
postgresql-18.lock        held while the server is created, started or stopped
postgresql-18.clients     shared by every program that uses the server; who holds it alone may stop it
postgresql-18.server      held by the server's own processes as long as one of them lives
postgresql-18.keeper      held by the process that stops the server when nobody uses it
binaries/18.6.3/          the copy of PostgreSQL that runs (root's copy is in /var/lib/rookery)
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from rookery_core.errors import ConfigurationError

MAJOR_VERSION = 18


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths of one embedded server."""

    base: Path

    @property
    def folder(self) -> Path:
        return self.base / f"postgresql-{MAJOR_VERSION}"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def data_in_making(self) -> Path:
        return self.folder / "data.new"

    @property
    def owner_password(self) -> Path:
        return self.folder / "owner.password"

    @property
    def app_password(self) -> Path:
        return self.folder / "app.password"

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    def lock(self, name: str) -> Path:
        """The lock file of that name: `lock`, `clients`, `server` or `keeper`."""
        return self.base / f"postgresql-{MAJOR_VERSION}.{name}"


def prepare(base: Path) -> Layout:
    """Make the folders that are missing, private to the user; touch no folder that was there.

    Raises ConfigurationError when a folder can not be made, or is another user's.
    """
    layout = Layout(base=Path(os.path.realpath(base.expanduser())))  # one socket, by any name of the folder
    try:
        layout.base.mkdir(parents=True, exist_ok=True, mode=0o700)
        layout.folder.mkdir(exist_ok=True, mode=0o700)
        status = layout.folder.lstat()
    except OSError as error:
        raise ConfigurationError(
            f"The folder of the embedded database can not be made at {layout.folder}: {error.strerror}.",
            hint="Set ROOKERY_DATA_DIR to a folder you can write to, or DATABASE_URL to use another server.",
        ) from None
    _refuse_foreign(layout.folder, status)
    if stat.S_IMODE(status.st_mode) != 0o700:
        layout.folder.chmod(0o700)
    return layout


def _refuse_foreign(folder: Path, status: os.stat_result) -> None:
    if not stat.S_ISDIR(status.st_mode):
        raise ConfigurationError(
            f"{folder} is not a folder.", hint="Move it away, or set ROOKERY_DATA_DIR to another folder."
        )
    if status.st_uid != os.geteuid():
        raise ConfigurationError(
            f"The embedded database at {folder} belongs to user id {status.st_uid}, not to {os.geteuid()}.",
            hint="Run Rookery as that user, or set ROOKERY_DATA_DIR to a folder that you own.",
        )
