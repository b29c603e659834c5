"""The user's PostgreSQL server, started when first needed and shared by all their programs."""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlencode

from rookery_core.errors import ConfigurationError, Unavailable

__all__ = ["EmbeddedServer"]


@dataclass(slots=True)
class EmbeddedServer:
    """A running server, and this program's lease on it: it is not stopped for being idle until `close`."""

    owner_dsn: str = field(repr=False)
    """For migrating and administration."""
    app_dsn: str = field(repr=False)
    """For serving: a login that may do nothing but take the roles of the packages."""
    _lease: int = field(repr=False)

    @classmethod
    def start(
        cls, data_dir: Path, *, idle_s: float = 600.0, server_settings: Mapping[str, str] | None = None
    ) -> EmbeddedServer:
        """The server of a data folder; blocks until it answers, for seconds when it has to be created.

        idle_s: how long it runs without clients; 0 for no limit. Raises ConfigurationError or Unavailable.
        """
        if os.name != "posix":
            raise ConfigurationError(
                "The embedded database does not run on this system.",
                hint="Set DATABASE_URL to use another PostgreSQL server (16 or newer, with pgvector).",
            )
        from rookery_core.database.embedded import launch, layout, locks, socket_folder

        place = layout.prepare(data_dir)
        with _usable(place.folder):
            descriptor = locks.take_lease(place)
            try:
                passwords = launch.ensure_started(place, idle_s=idle_s, server_settings=server_settings or {})
            except BaseException:
                os.close(descriptor)
                raise
        folder = socket_folder.socket_folder(place)
        return cls(
            _dsn("postgres", passwords.owner, folder), _dsn("rookery_app", passwords.app, folder), descriptor
        )

    @staticmethod
    def stop(data_dir: Path) -> bool:
        """Stop the server of a data folder, even if programs use it. Returns whether one ran."""
        from rookery_core.database.embedded import launch, layout

        return launch.stop(layout.prepare(data_dir))

    def close(self) -> None:
        """Give the lease up. The server goes on for others, and stops some time after the last."""
        descriptor, self._lease = self._lease, -1
        if descriptor >= 0:
            os.close(descriptor)


@contextmanager
def _usable(folder: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise Unavailable(
            f"The embedded database in {folder} can not be used: {error}.",
            hint="Check that the disk has room and that the folder is yours.",
        ) from error


def _dsn(login: str, password: str, folder: Path) -> str:
    # All named, so that PGPORT, PGSSLMODE and PGTARGETSESSIONATTRS of the shell do not apply.
    fixed = {"port": "5432", "sslmode": "disable", "target_session_attrs": "any"}
    query = urlencode({"host": str(folder), **fixed}, quote_via=quote)
    return f"postgresql://{login}:{quote(password, safe='')}@/rookery?{query}"
