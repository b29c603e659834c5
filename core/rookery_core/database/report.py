"""The state of a database, for `rookery db status` and `rookery doctor`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from rookery_core import sql
from rookery_core.database import capabilities, migrations
from rookery_core.database.capabilities import Capabilities
from rookery_core.database.connection import Connection
from rookery_core.database.connections import connected
from rookery_core.database.schema import installed_schemas
from rookery_core.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class SchemaStatus:
    """applied: how many migrations; pending: names of those that are not; adapted_at: None if never."""

    name: str
    applied: int
    pending: tuple[str, ...]
    adapted_at: datetime | None

    def line(self) -> str:
        """For people."""
        state = f"{len(self.pending)} pending ({', '.join(self.pending)})" if self.pending else "none pending"
        adapted = f"adapted {self.adapted_at:%Y-%m-%d %H:%M} UTC" if self.adapted_at else "never adapted"
        return f"schema {self.name}: {self.applied} migrations applied, {state}, {adapted}"


@dataclass(frozen=True, slots=True)
class RoleStatus:
    """A role that serves, and the logins and roles that are its members."""

    name: str
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DatabaseStatus:
    """problem: why a program would refuse to start, or None."""

    capabilities: Capabilities
    schemas: tuple[SchemaStatus, ...]
    roles: tuple[RoleStatus, ...]
    problem: str | None

    def as_dict(self) -> dict[str, Any]:
        """For JSON; times in ISO 8601."""
        answer = asdict(self)
        for schema in answer["schemas"]:
            schema["adapted_at"] = schema["adapted_at"] and schema["adapted_at"].isoformat()
        return answer

    def lines(self) -> list[str]:
        """For people."""
        offered = self.capabilities.as_dict()
        number = offered.pop("server_version")
        there = [name if value is True else f"{name} {value}" for name, value in offered.items() if value]
        return [
            f"PostgreSQL {number // 10000}.{number % 10000}, extensions: {', '.join(there) or 'none'}",
            f"not available: {', '.join(name for name, value in offered.items() if not value) or 'none'}",
            *(schema.line() for schema in self.schemas),
            *(f"role {role.name}: {', '.join(role.members) or 'no members'}" for role in self.roles),
            *([self.problem] if self.problem else []),
        ]


async def status(dsn: str) -> DatabaseStatus:
    """Read the state of the database; changes nothing and works for any login. Raises Unavailable."""
    statements = sql.load("rookery_core.database", "migrations.sql")
    async with connected(dsn, "rookery db status") as connection:
        record = await migrations.applied(connection)
        missing, problem = [], None
        try:
            missing = migrations.pending(record)
            migrations.require_none_pending(record)
        except ConfigurationError as error:
            problem = str(error)
        adapted = await _adapted(connection) if record else {}
        roles = await connection.fetch(statements["roles"])
        return DatabaseStatus(
            capabilities=await capabilities.detect(connection),
            schemas=tuple(
                SchemaStatus(
                    name=schema.name,
                    applied=sum(row["schema"] == schema.name for row in record),
                    pending=tuple(str(migration) for migration in missing if migration.schema == schema.name),
                    adapted_at=adapted.get(schema.name),
                )
                for schema in installed_schemas()
            ),
            roles=tuple(RoleStatus(row["name"], tuple(row["members"])) for row in roles),
            problem=problem,
        )


async def _adapted(connection: Connection) -> dict[str, datetime]:
    rows = await connection.fetch(sql.load("rookery_core.database", "migrations.sql")["adaptations"])
    return {row["schema"]: row["finished_at"] for row in rows}
