"""One PostgreSQL for a run of the tests, with a migrated template that each test's database is copied from."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg

from rookery_core import sql
from rookery_core.database.adaptation import adapt
from rookery_core.database.embedded import EmbeddedServer
from rookery_core.database.embedded.locks import is_locked, take_lock
from rookery_core.database.migration_files import MigrationFileError
from rookery_core.database.migrations import migrate
from rookery_core.database.schema import Schema, installed_schemas
from rookery_core.errors import ConfigurationError

FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "200"}
IDLE_S = 20.0
ROOM = 4 * 1024**3
LEFT_AFTER_S = 3600.0
_APP_PASSWORD = "of-tests-only"


@dataclass(slots=True)
class TestServer:
    """The server and its template; databases are named after neither test nor worker, so that they never meet."""

    __test__ = False

    superuser_dsn: str
    login_dsn: str
    template: str
    lease: EmbeddedServer | None

    @staticmethod
    def new_folder(prefix: str = "rookery-tests-") -> str:
        """A folder for a run, in memory where there is room: copying databases is steadier there."""
        memory = Path("/dev/shm")
        roomy = memory.is_dir() and shutil.disk_usage(memory).free > ROOM and os.access(memory, os.W_OK)
        parent = memory if roomy else Path(tempfile.gettempdir())
        for left in parent.glob(f"{prefix}*"):
            _remove_if_left(left)
        return tempfile.mkdtemp(prefix=prefix, dir=parent)

    @classmethod
    def start(cls, folder: Path, external_dsn: str | None) -> TestServer:
        """The server, created by whichever worker comes first."""
        lease = None
        if external_dsn is None:
            lease = EmbeddedServer.start(folder, idle_s=IDLE_S, server_settings=FAST)
            superuser_dsn, login_dsn = lease.owner_dsn, lease.app_dsn
        else:
            superuser_dsn, login_dsn = external_dsn, _with_login(external_dsn, "rookery_app", _APP_PASSWORD)
        server = cls(superuser_dsn, login_dsn, _template_name(folder), lease)
        with take_lock(folder / "template.lock"):
            if not (folder / "template.ready").exists():
                asyncio.run(server._make_template())
                (folder / "template.ready").touch()
        return server

    @classmethod
    def remove(cls, folder: Path, external_dsn: str | None) -> None:
        """Stop the server of a run that has ended, and forget it; on a server not ours, only what is ours."""
        if (folder / "postgresql-18").exists():
            EmbeddedServer.stop(folder)
        elif external_dsn is not None and (folder / "template.ready").exists():
            server = cls(external_dsn, external_dsn, _template_name(folder), None)
            asyncio.run(server.drop_database(server.template))
        shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        if self.lease is not None:
            self.lease.close()

    def owner_dsn(self, database: str) -> str:
        return _with_database(self.superuser_dsn, database)

    def app_dsn(self, database: str) -> str:
        return _with_database(self.login_dsn, database)

    async def create_database(self, template: str | None = None) -> str:
        """A copy of the migrated template, or of another database."""
        name = f"test_{uuid.uuid4().hex}"
        # Measured without fsync: 25 ms, copying through the log takes 35 ms and more.
        await self._execute(
            f'create database "{name}" template "{template or self.template}" strategy file_copy'
        )
        return name

    async def drop_database(self, name: str) -> None:
        await self._execute(f'drop database if exists "{name}" with (force)')

    async def _make_template(self) -> None:
        if self.lease is None:
            await self._execute(
                "do $$ begin if not exists (select from pg_roles where rolname = 'rookery_app') then "
                f"create role rookery_app login password '{_APP_PASSWORD}'; end if; end $$"
            )
        await self._execute(f'create database "{self.template}"')
        dsn = self.owner_dsn(self.template)
        migrated = await _migrate_what_can_be(dsn)
        async for _ in adapt(dsn, schemas=migrated):
            pass
        await self._execute(sql.load("rookery_core.database", "migrations.sql")["grant_to_app"])
        # Background workers of an extension would be connected to the template just when it is copied.
        await self._execute(f'alter database "{self.template}" allow_connections false')
        await self._execute(
            f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{self.template}'"
        )

    async def _execute(self, statement: str) -> None:
        connection: asyncpg.Connection[Any] = await asyncpg.connect(self.superuser_dsn)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


def _remove_if_left(folder: Path) -> None:
    """What a run that was killed left behind; its server has stopped by itself."""
    try:
        found = folder.stat()
    except FileNotFoundError:
        return
    old = time.time() - found.st_mtime > LEFT_AFTER_S
    servers = [folder, *folder.glob("data")]
    if (
        old
        and found.st_uid == os.geteuid()
        and not any(is_locked(server / "postgresql-18.server") for server in servers)
    ):
        shutil.rmtree(folder, ignore_errors=True)


def _template_name(folder: Path) -> str:
    return f"template_{folder.name.replace('-', '_')}"


async def _migrate_what_can_be(dsn: str) -> list[Schema]:
    """All schemas; when one is broken all others, so that its package's tests fail and not everybody's."""
    migrated: list[Schema] = []
    for schema in installed_schemas():
        try:
            await migrate(dsn, schemas=[schema])
        except (ConfigurationError, MigrationFileError) as error:
            print(f"\nthe tests run without the schema {schema.name}: {error}", file=sys.stderr)
        else:
            migrated.append(schema)
    return migrated


def _with_database(dsn: str, database: str) -> str:
    return urlsplit(dsn)._replace(path=f"/{database}").geturl()


def _with_login(dsn: str, user: str, password: str) -> str:
    parts = urlsplit(dsn)
    place = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{user}:{password}@{place}").geturl()
