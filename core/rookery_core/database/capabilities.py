"""What the server offers, looked up once at start."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from rookery_core import sql
from rookery_core.database.connection import Connection
from rookery_core.errors import ConfigurationError

OLDEST_SERVER = 160000


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Versions of the extensions that the database has, None or False for those it lacks.

    server_version: as PostgreSQL numbers it, 180006 for 18.6.
    """

    server_version: int
    timescaledb: str | None
    vector: str | None
    vectorscale: str | None
    pg_textsearch: str | None
    pg_trgm: bool
    unaccent: bool
    btree_gin: bool
    fuzzystrmatch: bool

    def as_dict(self) -> dict[str, Any]:
        """For reports."""
        return asdict(self)


async def detect(connection: Connection) -> Capabilities:
    """The capabilities of the connection's database."""
    row = await connection.fetchrow(sql.load("rookery_core.database", "session.sql")["capabilities"])
    assert row is not None
    extensions: dict[str, str] = json.loads(row["extensions"])
    return Capabilities(
        server_version=row["server_version"],
        timescaledb=extensions.get("timescaledb"),
        vector=extensions.get("vector"),
        vectorscale=extensions.get("vectorscale"),
        pg_textsearch=extensions.get("pg_textsearch"),
        pg_trgm="pg_trgm" in extensions,
        unaccent="unaccent" in extensions,
        btree_gin="btree_gin" in extensions,
        fuzzystrmatch="fuzzystrmatch" in extensions,
    )


def require_supported(server_version: int) -> None:
    """Raises ConfigurationError for a server that is too old."""
    if server_version < OLDEST_SERVER:
        version = f"{server_version // 10000}.{server_version % 10000}"
        raise ConfigurationError(
            f"The database server is PostgreSQL {version}; Rookery needs 16 or newer.",
            hint="Point DATABASE_URL at a newer server, or unset it to use the embedded one.",
        )
