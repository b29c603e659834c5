"""The database for stores: a pool whose connections have the role of the package and the identity of the caller."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Self, cast

from rookery_core import sql
from rookery_core.database import capabilities, codecs, provision
from rookery_core.database.capabilities import Capabilities
from rookery_core.database.connection import Connection
from rookery_core.database.connections import CONNECT_TIMEOUT_S, connect
from rookery_core.database.failures import RETRY_AFTER_S, could_not_connect, explained, is_lost_connection
from rookery_core.database.schema import installed_schemas
from rookery_core.errors import ConfigurationError, Unavailable

if TYPE_CHECKING:
    import asyncpg

    from rookery_core.identity import Caller
    from rookery_core.settings import CoreSettings

_ACQUIRE_TIMEOUT_S = 30.0
_PAUSES_S = (0.05, 0.25, 1.0)
"""Between attempts to get a working connection; a restarted server is back by then."""


class Database:
    """A pool of connections under one role. Created by `open`, closed by `close` or at the end of `async with`."""

    def __init__(
        self,
        server: provision.Server,
        pool: asyncpg.Pool[Any],
        role: str,
        application_name: str,
        offered: Capabilities,
    ) -> None:
        self._server = server
        self._pool = pool
        self._reviving = asyncio.Lock()
        self.role = role
        self.application_name = application_name
        self.capabilities = offered

    @classmethod
    async def open(
        cls,
        settings: CoreSettings,
        role: str,
        application_name: str,
        max_connections: int = 10,
        migrate: bool | None = None,
    ) -> Database:
        """Connect under `role`, to DATABASE_URL or to the embedded server, which is started if necessary.

        migrate: apply pending migrations; None does so on the embedded server only. Raises ConfigurationError
        when migrations are pending elsewhere or the role is missing or too powerful, Unavailable when the
        server can not be reached.
        """
        server = await provision.find_server(settings)
        try:
            await provision.ensure_migrated(server, migrate=migrate, role=role)
            pool = await _open_pool(server.serving_dsn, role, application_name, max_connections)
            try:
                async with pool.acquire() as connection:
                    offered = await _inspect(cast(Connection, connection))
            except BaseException:
                pool.terminate()
                raise
        except BaseException:
            server.close()
            raise
        return cls(server, pool, role, application_name, offered)

    @property
    def dsn(self) -> str:
        """The address with login and password, for a separate connection; it has no role until it takes one."""
        return self._server.serving_dsn

    async def connect(self) -> asyncpg.Connection[Any]:
        """A connection outside of the pool, under the role: for LISTEN. The caller closes it."""
        connection = await connect(self.dsn, self.application_name)
        try:
            with explained():
                await take_role(cast(Connection, connection), self.role)
        except BaseException:
            connection.terminate()
            raise
        return connection

    @asynccontextmanager
    async def acquire(self) -> AsyncGenerator[Connection]:
        """A connection of the pool under the role, without a caller: row security treats it as anonymous.

        Raises Unavailable when none is free for 30 seconds, or the server is not reachable.
        """
        connection = await self._take_under_role()
        try:
            with explained():
                yield cast(Connection, connection)
        finally:
            await self._give_back(connection)

    @asynccontextmanager
    async def transaction(self, caller: Caller, readonly: bool = False) -> AsyncGenerator[Connection]:
        """One transaction with the identity of `caller`; rolled back when the block raises. Raises Unavailable."""
        connection, transaction = await self._begin(caller, readonly)
        try:
            with explained(readonly=readonly):
                try:
                    yield cast(Connection, connection)
                except BaseException:
                    await _roll_back(transaction)
                    raise
                await transaction.commit()
        finally:
            await self._give_back(connection)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections, waiting up to 10 seconds for those in use."""
        try:
            await asyncio.wait_for(self._pool.close(), 10)
        except (TimeoutError, OSError):
            self._pool.terminate()
        finally:
            self._server.close()

    async def _take_under_role(self) -> Any:
        statement = sql.load("rookery_core.database", "session.sql")["take_role"]
        return (await self._first_working(lambda connection: connection.execute(statement, self.role)))[0]

    async def _begin(self, caller: Caller, readonly: bool) -> tuple[Any, Any]:
        statement = sql.load("rookery_core.database", "session.sql")["begin_as"]
        identity = (caller.team, caller.user or "", caller.kind, caller.channel or "", caller.room or "")

        async def begin(connection: Any) -> Any:
            transaction = connection.transaction(readonly=readonly)
            await transaction.start()
            await connection.fetchrow(statement, self.role, *identity)
            return transaction

        return await self._first_working(begin)

    async def _first_working(self, prepare: Callable[[Any], Awaitable[Any]]) -> tuple[Any, Any]:
        """A connection on which `prepare` works, and its result. Connections that a restarted server cut are skipped."""
        for pause in (*_PAUSES_S, None):
            connection = None
            try:
                connection = await self._take()
                return connection, await prepare(connection)
            except BaseException as error:
                if connection is not None:
                    await self._give_back(connection)
                if pause is None or not could_not_connect(error):
                    with explained(connecting=True):
                        raise
            await self._revive(pause)
        raise AssertionError("unreachable")

    async def _take(self) -> Any:
        try:
            return await self._pool.acquire(timeout=_ACQUIRE_TIMEOUT_S)
        except TimeoutError:
            raise Unavailable(
                f"All database connections have been busy for {_ACQUIRE_TIMEOUT_S:.0f} seconds.",
                retry_after_s=RETRY_AFTER_S,
            ) from None

    async def _revive(self, pause_s: float) -> None:
        await asyncio.sleep(pause_s)
        if self._server.embedded is not None:
            async with self._reviving:
                await self._server.revive()

    async def _give_back(self, connection: Any) -> None:
        try:
            await self._pool.release(connection)
        except Exception as error:
            if not is_lost_connection(error):
                raise


async def _roll_back(transaction: Any) -> None:
    try:
        await transaction.rollback()
    except Exception as error:  # with the connection the transaction has ended too
        if not is_lost_connection(error):
            raise


async def _open_pool(dsn: str, role: str, application_name: str, max_connections: int) -> asyncpg.Pool[Any]:
    import asyncpg

    async def prepare(connection: asyncpg.Connection[Any]) -> None:
        await take_role(cast(Connection, connection), role)
        await codecs.register(connection)

    with explained(connecting=True):
        return await asyncpg.create_pool(
            dsn,
            min_size=0,
            max_size=max_connections,
            init=prepare,
            timeout=CONNECT_TIMEOUT_S,
            server_settings={"application_name": application_name},
        )


async def _inspect(connection: Connection) -> Capabilities:
    with explained():
        offered = await capabilities.detect(connection)
        capabilities.require_supported(offered.server_version)
        await refuse_powerful_role(connection, [schema.name for schema in installed_schemas()])
    return offered


_MIGRATE = "Run `rookery db migrate` as the owner of the database."


async def take_role(connection: Connection, role: str) -> None:
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


async def refuse_powerful_role(connection: Connection, schemas: list[str]) -> None:
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
