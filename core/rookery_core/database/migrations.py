"""Apply the migrations of the installed packages, once, even when several programs try at the same time."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass

from rookery_core import __version__, sql
from rookery_core.database import capabilities, migration_files
from rookery_core.database.connection import Connection, Row
from rookery_core.database.connections import connected
from rookery_core.database.migration_files import Migration
from rookery_core.database.schema import Schema, installed_schemas
from rookery_core.errors import ConfigurationError

_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class MigrationReport:
    """What a run did. applied: as `schema/NNNN_name`, in order. already: how many had been applied before."""

    applied: tuple[str, ...]
    already: int


async def migrate(
    dsn: str, *, schemas: Sequence[Schema] | None = None, program: str = __version__, embedded: bool = False
) -> MigrationReport:
    """Apply what is pending, all of it or nothing. `dsn` logs in as the database's owner.

    Raises ConfigurationError when a migration was edited after it was applied, needs a newer program, or
    fails; the message says which.
    """
    installed = [
        migration for schema in schemas or installed_schemas() for migration in migration_files.read(schema)
    ]
    if not installed:
        raise ConfigurationError(
            "No installed package announces a schema.",
            hint="Reinstall rookery-core: its metadata is missing.",
        )
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            async with connected(dsn, "rookery db migrate") as connection:
                return await _migrate(connection, installed, program, embedded)
        except _ClusterRace:  # another database of the cluster made the same roles at this moment
            if attempt == _ATTEMPTS:
                raise ConfigurationError(
                    "The roles are being changed by another database of this cluster.", hint="Migrate again."
                ) from None
            await asyncio.sleep(0.1 * attempt)
    raise AssertionError("unreachable")


async def applied(connection: Connection) -> list[Row]:
    """The record of what has been applied to this database, oldest first within each schema."""
    statements = _statements()
    if not await connection.fetchval(statements["record_exists"]):
        return []
    return await connection.fetch(statements["applied"])


def pending(
    record: Sequence[Row], installed: Sequence[Migration] | None = None, program: str = __version__
) -> list[Migration]:
    """What of `installed` (all that is installed, if not given) the record lacks, in order.

    Raises ConfigurationError when the database needs a newer program or an applied migration was edited.
    """
    if installed is None:
        installed = [
            migration for schema in installed_schemas() for migration in migration_files.read(schema)
        ]
    newest = max((row["requires_program"] for row in record), key=ordinal, default="0")
    if ordinal(newest) > ordinal(program):
        raise ConfigurationError(
            f"The database was migrated for Rookery {newest} or newer; this is {program}.",
            hint="Upgrade this program.",
        )
    recorded = {(row["schema"], row["number"]): row for row in record}
    for migration in installed:
        row = recorded.get((migration.schema, migration.number))
        if row is not None and row["sha256"] != migration.sha256:
            raise ConfigurationError(
                f"The migration {migration} differs from {row['name']} that was applied on {row['applied_at']:%Y-%m-%d}.",
                hint="Put the file back as it was and write the change as a new migration.",
            )
    return [migration for migration in installed if (migration.schema, migration.number) not in recorded]


def require_none_pending(record: Sequence[Row], role: str | None = None) -> None:
    """Raises ConfigurationError when the database has not been migrated to what is installed.

    role: look only at the schemas that this role serves and those they build on; at all when it serves none.
    """
    missing = pending(
        record, [migration for schema in _served_by(role) for migration in migration_files.read(schema)]
    )
    if missing:
        raise ConfigurationError(
            f"The database lacks {len(missing)} migrations of this program, the first is {missing[0]}.",
            hint="Run `rookery db migrate` as the owner of the database.",
        )


def _served_by(role: str | None) -> list[Schema]:
    schemas = installed_schemas()
    names = {schema.name for schema in schemas if schema.role == role}
    if role is None or not names:
        return schemas
    for schema in reversed(schemas):  # those that others depend on come first
        if schema.name in names:
            names.update(schema.depends_on)
    return [schema for schema in schemas if schema.name in names]


def ordinal(version: str) -> tuple[int, ...]:
    """A version as numbers that compare; what follows the numbers (`.dev1`, `rc2`) is not looked at."""
    match = re.match(r"\d+(?:\.\d+)*", version)
    numbers = tuple(int(part) for part in match.group().split(".")) if match else (0,)
    return (*numbers, 0, 0, 0)[:4]


class _ClusterRace(Exception):
    pass


async def _migrate(
    connection: Connection, installed: list[Migration], program: str, embedded: bool
) -> MigrationReport:
    statements = _statements()
    capabilities.require_supported((await capabilities.detect(connection)).server_version)
    await _require_vector(connection)
    async with connection.transaction():
        await connection.execute(statements["lock"])
        record = await _renumber(connection, await applied(connection), installed)
        todo = pending(record, installed, program)
        if not record:
            await _execute(connection, "the record of migrations", statements["create_record"])
        for migration in todo:
            await _apply(connection, migration, program)
        if embedded:
            await _finish_embedded(connection)
    return MigrationReport(tuple(map(str, todo)), len(record))


async def _renumber(connection: Connection, record: list[Row], installed: Sequence[Migration]) -> list[Row]:
    """The record, after rows of renumbered migrations got the numbers that these have now."""
    statements = _statements()
    recorded = {(row["schema"], row["number"], row["sha256"]) for row in record}
    renumbered = [
        (migration, former)
        for migration in installed
        if (former := migration.former) and (migration.schema, former.number, former.sha256) in recorded
    ]
    if not renumbered:
        return record
    lowest: dict[str, int] = {}
    for migration, former in renumbered:
        lowest[migration.schema] = min(former.number, lowest.get(migration.schema, former.number))
    for schema, number in lowest.items():
        await connection.execute(statements["remove_replaced"], schema, number)
    for migration, former in renumbered:
        await connection.execute(
            statements["renumber"], migration.schema, former.number, former.sha256,
            migration.number, migration.name, migration.sha256,
        )  # fmt: skip
    return await applied(connection)


async def _apply(connection: Connection, migration: Migration, program: str) -> None:
    statements = _statements()
    if migration.runs_as == "owner":
        await _execute(connection, str(migration), statements["act_as_owner"])
    await _execute(connection, str(migration), migration.text)
    await connection.execute("reset all")  # what a migration set for itself is not for the next one
    await _record(connection, migration, program)


async def _record(connection: Connection, migration: Migration, program: str) -> None:
    statements = _statements()
    await connection.execute(statements["act_as_owner"])
    await connection.execute(
        statements["record"], migration.schema, migration.number, migration.name, migration.sha256,
        migration.requires_program, program,
    )  # fmt: skip
    await connection.execute(statements["act_as_login"])


async def _execute(connection: Connection, what: str, text: str) -> None:
    import asyncpg

    try:
        await connection.execute(text)
    except (asyncpg.DeadlockDetectedError, asyncpg.InternalServerError) as error:
        if isinstance(error, asyncpg.DeadlockDetectedError) or "concurrently" in str(error):
            raise _ClusterRace from None
        raise
    except asyncpg.InsufficientPrivilegeError as error:
        raise ConfigurationError(
            f"The login may not apply {what}: {error}.",
            hint="Migrate as the owner of the database, who may create roles; see docs/database.md.",
        ) from error
    except asyncpg.PostgresError as error:
        line = getattr(error, "position", None)
        place = f" at line {text[: int(line)].count(chr(10)) + 1}" if line else ""
        raise ConfigurationError(
            f"The migration {what} failed{place}: {error}", hint="Nothing was applied."
        ) from error


async def _require_vector(connection: Connection) -> None:
    if not await connection.fetchval(_statements()["vector_available"]):
        raise ConfigurationError(
            "The database server does not offer the extension vector (pgvector), which Rookery needs.",
            hint="Install pgvector on the server, or unset DATABASE_URL to use the embedded one.",
        )


async def _finish_embedded(connection: Connection) -> None:
    statements = _statements()
    await connection.execute(statements["grant_to_app"])
    for row in await connection.fetch(statements["outdated_extensions"]):
        await connection.execute("select set_config('rookery.extension', $1, true)", row["name"])
        await connection.execute(statements["update_extension"])


def _statements() -> dict[str, str]:
    return sql.load("rookery_core.database", "migrations.sql")
