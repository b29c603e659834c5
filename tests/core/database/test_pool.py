from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rookery_core.errors import ConfigurationError, Unavailable
from rookery_core.identity import Caller
from rookery_core.queue import Queue

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from conftest import OpenDatabase
    from rookery_core.database import Connection, Database

WHO = """
select current_user::text as role, session_user::text as login,
    current_setting('rookery.team', true) as team, current_setting('rookery.user', true) as "user",
    current_setting('rookery.kind', true) as kind, current_setting('rookery.channel', true) as channel
"""

names = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=20)
callers = st.builds(
    Caller,
    team=names,
    user=names,
    kind=st.sampled_from(["anonymous", "member", "guest", "outsider", "agent"]),
    channel=st.none() | names,
)


async def who(connection: Connection) -> dict[str, str | None]:
    row = await connection.fetchrow(WHO)
    assert row is not None
    return dict(row.items())


def stranger(found: dict[str, str | None]) -> bool:
    return not any(found[name] for name in ("team", "user", "kind", "channel"))


async def test_connections_serve_under_the_role_of_the_package(open_database: OpenDatabase) -> None:
    database = await open_database("rookery_slack")
    async with database.acquire() as connection:
        found = await who(connection)
    assert (found["role"], found["login"]) == ("rookery_slack", "rookery_app")
    assert stranger(found)


async def test_a_transaction_knows_its_caller(open_database: OpenDatabase) -> None:
    database = await open_database("rookery_slack")
    caller = Caller(team="T1", user="U1", kind="guest", channel="C1")
    async with database.transaction(caller) as connection:
        found = await who(connection)
    assert found == {
        "role": "rookery_slack", "login": "rookery_app",
        "team": "T1", "user": "U1", "kind": "guest", "channel": "C1",
    }  # fmt: skip


@pytest.mark.slow
async def test_a_caller_is_forgotten_whatever_ends_the_transaction(open_database: OpenDatabase) -> None:
    database = await open_database("rookery_slack", max_connections=1)

    async def act(caller: Caller, end: str) -> None:
        async with database.transaction(caller) as connection:
            found = await who(connection)
            assert (found["team"], found["user"], found["kind"]) == (caller.team, caller.user, caller.kind)
            assert found["channel"] == (caller.channel or "")
            if end == "error":
                raise KeyError(end)
            if end == "bad statement":
                await connection.execute("select no_such_column")
            if end == "cancelled":
                raise asyncio.CancelledError

    async def one_after_the_other(steps: list[tuple[Caller, str]]) -> None:
        for caller, end in steps:
            try:
                await act(caller, end)
            except (KeyError, asyncpg.UndefinedColumnError, asyncio.CancelledError):
                assert end != "commit"
            async with database.acquire() as connection:
                assert stranger(await who(connection))

    loop = asyncio.get_running_loop()
    ends = st.sampled_from(["commit", "error", "bad statement", "cancelled"])

    @settings(max_examples=40, deadline=None)
    @given(st.lists(st.tuples(callers, ends), max_size=5))
    def never_leaks(steps: list[tuple[Caller, str]]) -> None:
        asyncio.run_coroutine_threadsafe(one_after_the_other(steps), loop).result(60)

    await asyncio.to_thread(never_leaks)


async def test_callers_at_the_same_time_are_kept_apart(open_database: OpenDatabase) -> None:
    database = await open_database("rookery_slack", max_connections=4)

    async def ask(user: str) -> str | None:
        async with database.transaction(Caller(user=user, kind="member")) as connection:
            await connection.execute("select pg_sleep(0.01)")
            return (await who(connection))["user"]

    users = [f"U{number}" for number in range(20)]
    assert await asyncio.gather(*map(ask, users)) == users


async def test_the_role_survives_the_reset_between_two_users(open_database: OpenDatabase) -> None:
    database = await open_database("rookery_slack", max_connections=1)
    for _ in range(2):
        async with database.acquire() as connection:
            await connection.execute("reset all")
            assert (await who(connection))["role"] == "rookery_slack"


async def test_a_role_that_was_reset_is_taken_again_and_has_no_rights_meanwhile(
    open_database: OpenDatabase, owner_connection: asyncpg.Connection[Any]
) -> None:
    await owner_connection.execute("create table rookery.nest (name text)")
    await owner_connection.execute("grant select on rookery.nest to rookery_slack")
    database = await open_database("rookery_slack", max_connections=1)
    async with database.acquire() as connection:
        await connection.execute("reset role")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("select * from rookery.nest")
    async with database.transaction(Caller()) as connection:
        assert (await who(connection))["role"] == "rookery_slack"
        await connection.execute("select * from rookery.nest")


async def test_a_transaction_is_rolled_back_when_its_block_raises(
    open_database: OpenDatabase, owner_connection: asyncpg.Connection[Any]
) -> None:
    await owner_connection.execute("create table rookery.nest (name text)")
    await owner_connection.execute("grant select, insert on rookery.nest to rookery_slack")
    database = await open_database("rookery_slack")
    with pytest.raises(FileNotFoundError, match="mine"):  # an OSError of the caller's own stays what it is
        async with database.transaction(Caller()) as connection:
            await connection.execute("insert into rookery.nest values ('lost')")
            raise FileNotFoundError("mine")
    async with database.transaction(Caller()) as connection:
        await connection.execute("insert into rookery.nest values ('kept')")
    assert await owner_connection.fetchval("select array_agg(name) from rookery.nest") == ["kept"]


async def test_a_transaction_to_read_does_not_write(open_database: OpenDatabase) -> None:
    database = await open_database("rookery_slack")
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        async with database.transaction(Caller(), readonly=True) as connection:
            await connection.execute("create temporary sequence eggs")


@pytest.fixture
async def special_role(owner_connection: asyncpg.Connection[Any]) -> AsyncIterator[str]:
    """A role of the cluster for this test alone, that rookery_app may take."""
    name = f"role_{uuid.uuid4().hex[:12]}"
    await owner_connection.execute(f"create role {name} nologin")
    await owner_connection.execute(f"grant {name} to rookery_app with inherit false, set true")
    yield name
    await owner_connection.execute(f"drop owned by {name}")
    await owner_connection.execute(f"drop role {name}")


@pytest.mark.parametrize(
    ("power", "reason"),
    [
        ("alter role {role} superuser", "is a superuser"),
        ("alter role {role} bypassrls", "bypasses row security"),
        ("create schema if not exists queue; alter schema queue owner to {role}", "owns the schema queue"),
        ("grant rookery_owner to {role}", "owns the schema"),
    ],
)
async def test_too_powerful_a_role_is_refused(
    open_database: OpenDatabase,
    owner_connection: asyncpg.Connection[Any],
    special_role: str,
    power: str,
    reason: str,
) -> None:
    await owner_connection.execute(power.format(role=special_role))
    try:
        with pytest.raises(ConfigurationError, match=f"Refusing to serve as the database role .*{reason}"):
            await open_database(special_role)
    finally:
        await owner_connection.execute(f"alter role {special_role} nosuperuser nobypassrls")
        await owner_connection.execute("alter schema queue owner to rookery_owner")


async def test_a_role_that_does_not_exist_is_named(open_database: OpenDatabase) -> None:
    with pytest.raises(ConfigurationError, match="no role rookery_penguins"):
        await open_database("rookery_penguins")


async def test_a_login_that_may_not_take_the_role_is_told_what_to_grant(
    open_database: OpenDatabase, owner_connection: asyncpg.Connection[Any], special_role: str
) -> None:
    await owner_connection.execute(f"revoke {special_role} from rookery_app")
    with pytest.raises(ConfigurationError, match=f"may not take the role {special_role}.*grant"):
        await open_database(special_role)


async def kill_connections(owner: asyncpg.Connection[Any]) -> None:
    await owner.execute(
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity "
        "where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'"
    )


async def test_a_pool_whose_connections_were_killed_goes_on(
    open_database: OpenDatabase, owner_connection: asyncpg.Connection[Any]
) -> None:
    database = await open_database("rookery_slack", max_connections=3)
    for _ in range(3):
        await kill_connections(owner_connection)
        async with database.transaction(Caller(user="U1", kind="member")) as connection:
            assert (await who(connection))["user"] == "U1"


async def test_a_connection_killed_in_use_is_unavailable_with_a_time_to_come_back(
    open_database: OpenDatabase, owner_connection: asyncpg.Connection[Any]
) -> None:
    database = await open_database("rookery_slack")
    with pytest.raises(Unavailable) as caught:
        async with database.transaction(Caller()) as connection:
            await kill_connections(owner_connection)
            await connection.execute("select 1")
    assert caught.value.retry_after_s
    async with database.transaction(Caller()) as connection:
        await connection.execute("select 1")


async def test_a_connection_of_ones_own_has_the_role_too(open_database: OpenDatabase) -> None:
    database = await open_database("rookery_memory")
    connection = await database.connect()
    try:
        assert await connection.fetchval("select current_user") == "rookery_memory"
    finally:
        await connection.close()


async def heard(database: Database) -> str:
    listener = await database.connect()
    arrived: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def hear(_connection: object, _pid: int, _channel: str, payload: object) -> None:
        arrived.set_result(str(payload))

    try:
        await listener.add_listener("roost", hear)
        async with database.acquire() as connection:
            await connection.execute("select pg_notify('roost', 'caw')")
        return await asyncio.wait_for(arrived, 10)
    finally:
        await listener.close()


async def test_it_can_listen(open_database: OpenDatabase) -> None:
    assert await heard(await open_database("rookery_ingest")) == "caw"


@pytest.mark.parametrize(
    ("limit", "statement"),
    [("statement_timeout", "select pg_sleep(5)"), ("lock_timeout", "select pg_advisory_lock(1)")],
)
async def test_a_statement_over_the_servers_time_limit_names_the_limit(
    open_database: OpenDatabase, owner_connection: asyncpg.Connection[Any], limit: str, statement: str
) -> None:
    await owner_connection.execute("select pg_advisory_lock(1)")
    database = await open_database("rookery_slack")
    with pytest.raises(Unavailable, match=f"time limit.*{limit}"):
        async with database.acquire() as connection:
            await connection.execute(f"set {limit} = '20ms'")
            await connection.execute(statement)


async def test_a_server_that_accepts_no_writes_is_one_line(
    open_database: OpenDatabase, owner_connection: asyncpg.Connection[Any]
) -> None:
    name = await owner_connection.fetchval("select current_database()")
    await owner_connection.execute(f'alter database "{name}" set default_transaction_read_only = on')
    database = await open_database("rookery_agent", migrate=False)
    queue = Queue(database)
    assert await queue.list() == []
    with pytest.raises(Unavailable, match=r"no writes.*DATABASE_URL at the primary"):
        await queue.subscribe("topic", "name")


@pytest.mark.parametrize("prepared", ["forgotten", "doubled"])
async def test_a_pooler_in_transaction_mode_is_named(open_database: OpenDatabase, prepared: str) -> None:
    database = await open_database("rookery_slack", max_connections=1)
    with pytest.raises(ConfigurationError, match=r"pooler.*pool_mode = session"):
        async with database.acquire() as connection:
            await connection.fetchval("select $1::int + 1", 1)
            # What another session behind the pooler looks like to the driver: its statements are not there,
            # or those of another client have the same names.
            if prepared == "forgotten":
                await connection.execute("deallocate all")
                await connection.fetchval("select $1::int + 1", 1)
            for _ in range(2):
                await connection.execute("prepare someones as select 1")
