"""The role of a program: it takes the role of its package and refuses to serve under a more powerful one."""

from __future__ import annotations

from rookery_core import sql
from rookery_core.database.connection import Connection
from rookery_core.errors import ConfigurationError

_MIGRATE = "Run `rookery db migrate` as the owner of the database."


async def take(connection: Connection, role: str) -> None:
    """Take `role` for the session. Raises ConfigurationError when it does not exist or the login is not a member."""
    statements = sql.load("rookery_core.database", "session.sql")
    allowed = await connection.fetchval(statements["may_take_role"], role)
    if allowed is None:
        raise ConfigurationError(f"The database has no role {role}.", hint=_MIGRATE)
    if not allowed:
        raise ConfigurationError(
            f"The login of DATABASE_URL may not take the role {role}.",
            hint=f"As an administrator of the server: grant {role} to <that login>.",
        )
    await connection.execute(statements["take_role"], role)


async def refuse_powerful(connection: Connection, schemas: list[str]) -> None:
    """Raises ConfigurationError when the effective role is a superuser, bypasses row security or owns a schema."""
    row = await connection.fetchrow(sql.load("rookery_core.database", "session.sql")["inspect_role"], schemas)
    assert row is not None
    reasons = [
        *(["is a superuser"] if row["superuser"] else []),
        *(["bypasses row security"] if row["bypasses_row_security"] else []),
        *([f"owns the schema {', '.join(row['owned'])}"] if row["owned"] else []),
    ]
    if reasons:
        raise ConfigurationError(
            f"Refusing to serve as the database role {row['name']}: it {' and '.join(reasons)}, "
            "so callers would see rows that they may not see.",
            hint="Revoke these rights from the role; docs/database.md lists what each role needs.",
        )
