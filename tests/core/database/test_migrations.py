from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import asyncpg
import pytest
from pydantic import SecretStr

from rookery_core.database import Database, migration_files, status
from rookery_core.database.connections import connected
from rookery_core.database.migrations import migrate, ordinal
from rookery_core.database.schema import Schema, installed_schemas
from rookery_core.errors import ConfigurationError
from rookery_core.queue.schema import SCHEMA as CORE
from rookery_core.settings import CoreSettings

if TYPE_CHECKING:
    from core.database.conftest import MakeSchema
    from postgres_for_tests import TestServer

ROOST = "create schema roost; create table roost.bird (team text, name text, primary key (team, name));"


def core_of(make_schema: MakeSchema) -> Schema:
    """Core's first migration alone: roles and extensions, quick to apply."""
    from importlib.resources import files

    text = files("rookery_core").joinpath("migrations/0001_roles_and_extensions.sql").read_text()
    return make_schema("queue", {"0001_roles_and_extensions.sql": text}, depends_on=())


async def fetch(dsn: str, statement: str) -> list[Any]:
    async with connected(dsn) as connection:
        return await connection.fetch(statement)


async def test_everything_installed_migrates_an_empty_database_once(blank_dsn: str) -> None:
    first = await migrate(blank_dsn)
    again = await migrate(blank_dsn)
    assert first.applied[0] == "queue/0001_roles_and_extensions"
    assert first.already == 0
    assert again.applied == ()
    assert again.already == len(first.applied)


async def test_each_database_has_an_id(blank_dsn: str, owner_connection: asyncpg.Connection[Any]) -> None:
    await migrate(blank_dsn, schemas=[CORE])
    (row,) = await fetch(blank_dsn, "select id from queue.installation")
    other = await owner_connection.fetchval("select id from queue.installation")
    assert len(row["id"]) == len(other) == 16
    assert row["id"] != other


async def test_what_migrations_make_belongs_to_the_owner_role(
    blank_dsn: str, make_schema: MakeSchema
) -> None:
    await migrate(blank_dsn, schemas=[core_of(make_schema), make_schema("roost", {"0001_birds.sql": ROOST})])
    rows = await fetch(
        blank_dsn,
        "select nspowner::regrole::text as owner from pg_namespace where nspname in ('rookery', 'roost')",
    )
    assert [row["owner"] for row in rows] == ["rookery_owner", "rookery_owner"]


async def test_the_record_says_what_was_applied_by_which_program(
    blank_dsn: str, make_schema: MakeSchema
) -> None:
    roost = make_schema("roost", {"0001_birds.sql": ROOST})
    await migrate(blank_dsn, schemas=[core_of(make_schema), roost], program="0.3.1")
    (row,) = await fetch(blank_dsn, "select * from rookery.migration where schema = 'roost'")
    assert (row["number"], row["name"], row["program"], row["requires_program"]) == (
        1,
        "birds",
        "0.3.1",
        "0.1.0",
    )
    assert len(row["sha256"]) == 64


async def test_many_at_once_apply_each_migration_once(blank_dsn: str, make_schema: MakeSchema) -> None:
    schemas = [core_of(make_schema), make_schema("roost", {"0001_birds.sql": ROOST})]
    reports = await asyncio.gather(*(migrate(blank_dsn, schemas=schemas) for _ in range(4)))
    assert sorted(len(report.applied) for report in reports) == [0, 0, 0, 2]


async def test_databases_of_one_cluster_migrate_at_once(
    postgres: TestServer, make_schema: MakeSchema
) -> None:
    names = [await postgres.create_database("template0") for _ in range(4)]
    schemas = [core_of(make_schema), make_schema("roost", {"0001_birds.sql": ROOST})]
    try:
        reports = await asyncio.gather(
            *(migrate(postgres.owner_dsn(name), schemas=schemas) for name in names)
        )
        assert [len(report.applied) for report in reports] == [2, 2, 2, 2]
    finally:
        for name in names:
            await postgres.drop_database(name)


async def test_an_edited_migration_is_refused_by_name(blank_dsn: str, make_schema: MakeSchema) -> None:
    core = core_of(make_schema)
    await migrate(blank_dsn, schemas=[core, make_schema("roost", {"0001_birds.sql": ROOST})])
    edited = make_schema("roost", {"0001_birds.sql": ROOST + " -- better"})
    with pytest.raises(ConfigurationError, match=r"roost/0001_birds differs .* write the change as a new"):
        await migrate(blank_dsn, schemas=[core, edited])


async def test_a_failing_migration_leaves_nothing_behind(blank_dsn: str, make_schema: MakeSchema) -> None:
    broken = make_schema("roost", {"0001_birds.sql": ROOST, "0002_worse.sql": "\n\nselect no_such_thing;"})
    with pytest.raises(ConfigurationError, match=r"roost/0002_worse failed at line 4: .*no_such_thing"):
        await migrate(blank_dsn, schemas=[core_of(make_schema), broken])
    assert (await fetch(blank_dsn, "select to_regclass('rookery.migration') as it"))[0]["it"] is None
    assert (await fetch(blank_dsn, "select to_regnamespace('roost') as it"))[0]["it"] is None


async def test_a_setting_of_one_migration_is_not_the_next_ones(
    blank_dsn: str, make_schema: MakeSchema
) -> None:
    texts = {
        "0001_a.sql": "set search_path = pg_catalog; create schema roost;",
        "0002_b.sql": "do $$ begin assert current_setting('search_path') <> 'pg_catalog'; end $$;",
    }
    report = await migrate(blank_dsn, schemas=[core_of(make_schema), make_schema("roost", texts)])
    assert len(report.applied) == 3


async def test_only_a_program_that_is_too_old_refuses(blank_dsn: str, make_schema: MakeSchema) -> None:
    core = core_of(make_schema)
    newer = make_schema(
        "roost", {"0001_birds.sql": ROOST, "0002_more.sql": "-- requires-program: 0.9\nselect 1;"}
    )
    await migrate(blank_dsn, schemas=[core, newer], program="1.0.0")
    known_to_old = make_schema("roost", {"0001_birds.sql": ROOST})
    assert (await migrate(blank_dsn, schemas=[core, known_to_old], program="0.9.0")).applied == ()
    with pytest.raises(ConfigurationError, match=r"migrated for Rookery 0\.9 or newer; this is 0\.8\.7"):
        await migrate(blank_dsn, schemas=[core, known_to_old], program="0.8.7")


async def test_a_database_with_former_numbers_gets_the_present_ones(
    blank_dsn: str, make_schema: MakeSchema
) -> None:
    core = core_of(make_schema)
    texts = {"0001_birds.sql": ROOST, "0002_age.sql": "alter table roost.bird add column age integer;"}
    await migrate(blank_dsn, schemas=[core, make_schema("roost", texts)])
    async with connected(blank_dsn) as connection:
        await connection.execute(
            "update rookery.migration set number = number + 3, sha256 = 'then-' || number where schema = 'roost'"
        )
        await connection.execute(
            "insert into rookery.migration (schema, number, name, sha256, requires_program, program) "
            "values ('roost', 1, 'removed', 'x', '0.1.0', '0.1.0')"
        )
    texts["0003_wings.sql"] = "alter table roost.bird add column wings integer;"
    texts["renumbered.toml"] = (
        '[0001_birds]\nnumber = 4\nsha256 = "then-1"\n[0002_age]\nnumber = 5\nsha256 = "then-2"\n'
    )
    present = make_schema("roost", texts)
    assert (await migrate(blank_dsn, schemas=[core, present])).applied == ("roost/0003_wings",)
    rows = await fetch(
        blank_dsn, "select number, name, sha256 from rookery.migration where schema = 'roost' order by number"
    )
    assert [tuple(row) for row in rows] == [
        (migration.number, migration.name, migration.sha256) for migration in migration_files.read(present)
    ]


def test_what_was_renumbered_before_the_first_release() -> None:
    """Databases made before it recorded slack 0012 to 0016 and memory 0004 to 0006."""
    former = {
        (schema.name, migration.former.number): migration.number
        for schema in installed_schemas()
        for migration in migration_files.read(schema)
        if migration.former
    }
    expected = {("slack", number): number - 11 for number in range(12, 17)}
    assert former == expected | {("memory", number): number - 3 for number in range(4, 7)}


def test_versions_compare_as_numbers() -> None:
    assert ordinal("0.10.0") > ordinal("0.9.9")
    assert ordinal("1.0") == ordinal("1.0.0")
    assert ordinal("0.2.0.dev3") == ordinal("0.2.0")


async def test_a_program_refuses_a_database_with_pending_migrations(
    settings: CoreSettings, owner_connection: asyncpg.Connection[Any]
) -> None:
    await owner_connection.execute("delete from rookery.migration where schema = 'queue' and number > 1")
    with pytest.raises(ConfigurationError, match="rookery db migrate"):
        await Database.open(settings, role="rookery_slack", application_name="tests")


async def test_a_program_refuses_a_database_that_was_never_migrated(blank_dsn: str) -> None:
    settings = CoreSettings(database_url=SecretStr(blank_dsn))
    with pytest.raises(ConfigurationError, match="rookery db migrate"):
        await Database.open(settings, role="rookery_slack", application_name="tests")
    assert "rookery db migrate" in str((await status(blank_dsn)).problem)


async def test_an_owner_who_is_no_superuser_can_migrate(
    postgres: TestServer, blank_dsn: str, make_schema: MakeSchema
) -> None:
    name = urlsplit(blank_dsn).path[1:]
    login = f"operator_{name[-12:]}"
    async with connected(blank_dsn) as connection:
        await connection.execute(f"create role {login} login createrole password 'p'")
        await connection.execute(f"alter database {name} owner to {login}")
        await connection.execute("create extension vector")  # pgvector is not a trusted extension
        for role in ("owner", "slack", "docs", "github", "memory", "ingest", "agent"):
            await connection.execute(f"grant rookery_{role} to {login} with admin option")
    try:
        parts = urlsplit(blank_dsn)
        dsn = parts._replace(netloc=f"{login}:p@{parts.netloc.rpartition('@')[2]}").geturl()
        roost = make_schema("roost", {"0001_birds.sql": ROOST})
        assert len((await migrate(dsn, schemas=[core_of(make_schema), roost])).applied) == 2
    finally:
        async with connected(blank_dsn) as connection:
            await connection.execute(f"alter database {name} owner to current_user")
            await connection.execute(f"reassign owned by {login} to current_user")
            await connection.execute(f"drop owned by {login}")
            await connection.execute(f"drop role {login}")


async def test_a_login_without_rights_is_told_who_must_migrate(
    postgres: TestServer, blank_dsn: str, make_schema: MakeSchema
) -> None:
    dsn = postgres.app_dsn(urlsplit(blank_dsn).path[1:])
    with pytest.raises(ConfigurationError, match=r"may not apply .* Migrate as the owner"):
        await migrate(dsn, schemas=[core_of(make_schema)])


def test_core_announces_the_schema_of_the_queue() -> None:
    assert (CORE.name, CORE.package, CORE.depends_on) == ("queue", "rookery_core", ())
