"""Killed with -9 anywhere, the embedded server is there again at the next start, with all that was committed."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from core.database.asking import ask
from rookery_core.database import Database, migrate, status
from rookery_core.database.embedded import EmbeddedServer
from rookery_core.database.embedded.layout import Layout
from rookery_core.database.embedded.locks import is_locked, take_lock
from rookery_core.identity import Caller
from rookery_core.settings import CoreSettings

if TYPE_CHECKING:
    from core.database.conftest import RunProgram

pytestmark = pytest.mark.slow

DIE_AT_STEP = """
import os, signal, sys
from pathlib import Path
from rookery_core.database.embedded import EmbeddedServer

STEPS = {"subprocess.Popen", "os.rename", "os.mkdir"}
left = int(sys.argv[3])

def die(event, arguments):
    global left
    if event in STEPS:
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(die)
server = EmbeddedServer.start(Path(sys.argv[1]), idle_s=float(sys.argv[2]))
print(server.owner_dsn, flush=True)
"""


def postmaster(home: Path) -> int:
    return int((home / "postgresql-18" / "data" / "postmaster.pid").read_text().split()[0])


def keeper(home: Path) -> int:
    """The process that holds the keeper's lock, as the kernel tells."""
    inode = Layout(home).lock("keeper").stat().st_ino
    for line in Path("/proc/locks").read_text().splitlines():
        fields = line.replace("->", "").split()
        if fields[1] == "FLOCK" and fields[5].endswith(f":{inode}"):
            return int(fields[4])
    raise AssertionError("nobody holds the keeper's lock")


async def test_programs_killed_at_each_step_of_the_first_start_are_in_nobodys_way(
    home: Path, run_program: RunProgram
) -> None:
    """One after the other on what the one before left behind, each a step further, until one lives through."""
    step, said = 0, ""
    for step in range(1, 60):
        program = run_program(DIE_AT_STEP, str(step))
        said = program.finish()
        if program.process.returncode == 0:
            break
        assert program.process.returncode == -signal.SIGKILL, program.errors()
    assert step > 4
    assert await ask(said.strip(), "select 'whole'") == "whole"
    server = EmbeddedServer.start(home, idle_s=60)
    assert await ask(server.app_dsn, "select current_user") == "rookery_app"
    server.close()
    assert not (home / "postgresql-18" / "data.new").exists()


async def test_the_server_outlives_the_program_that_started_it(home: Path, run_program: RunProgram) -> None:
    program = run_program()
    born = await ask(program.dsn(), "select pg_postmaster_start_time()")
    program.kill()
    server = EmbeddedServer.start(home, idle_s=60)
    assert await ask(server.owner_dsn, "select pg_postmaster_start_time()") == born
    server.close()


async def test_a_killed_server_is_started_again_with_what_was_committed(home: Path) -> None:
    first = EmbeddedServer.start(home, idle_s=60)
    await ask(first.owner_dsn, "create table egg as select generate_series(1, 1000) as n")
    os.kill(postmaster(home), signal.SIGKILL)
    take_lock(Layout(home).lock("server")).close()  # the last of its processes has ended
    second = EmbeddedServer.start(home, idle_s=60)
    assert await ask(second.owner_dsn, "select count(*) from egg") == 1000
    first.close()
    second.close()


async def test_what_a_dead_server_left_behind_is_not_taken_for_a_live_one(home: Path) -> None:
    EmbeddedServer.start(home, idle_s=60).close()
    EmbeddedServer.stop(home)
    folder = home / "postgresql-18"
    text = f"{os.getpid()}\n{folder}/data\n1700000000\n5432\n{folder}/socket\n\n 1 1\nready\n"
    (folder / "data" / "postmaster.pid").write_text(text)  # names a process that lives: this one
    (folder / "socket" / ".s.PGSQL.5432").touch()
    (folder / "socket" / ".s.PGSQL.5432.lock").write_text(text)
    server = EmbeddedServer.start(home, idle_s=60)
    assert await ask(server.owner_dsn, "select 1") == 1
    server.close()


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="needs Linux's list of locks to find the keeper")
async def test_a_killed_keeper_is_replaced_by_the_next_program(home: Path) -> None:
    first = EmbeddedServer.start(home, idle_s=0.2)
    born = await ask(first.owner_dsn, "select pg_postmaster_start_time()")
    os.kill(keeper(home), signal.SIGKILL)
    take_lock(Layout(home).lock("keeper")).close()
    second = EmbeddedServer.start(home, idle_s=0.2)
    assert await ask(second.owner_dsn, "select pg_postmaster_start_time()") == born
    first.close()
    second.close()
    take_lock(Layout(home).lock("server"), timeout_s=30).close()  # the new keeper stops the idle server


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="needs Linux's list of locks to find the keeper")
async def test_a_machine_that_shuts_down_gets_a_clean_shutdown(home: Path) -> None:
    server = EmbeddedServer.start(home, idle_s=60)
    os.kill(keeper(home), signal.SIGTERM)
    take_lock(Layout(home).lock("server"), timeout_s=30).close()
    assert "database system is shut down" in (home / "postgresql-18" / "server.log").read_text()
    server.close()


async def test_an_adaptation_that_was_cut_off_is_made_up_for_at_the_next_start(home: Path) -> None:
    settings = CoreSettings(data_dir=home, database_idle_s=60)
    server = EmbeddedServer.start(home, idle_s=60)
    await migrate(server.owner_dsn, embedded=True)  # and here the program was killed
    assert all(schema.adapted_at is None for schema in (await status(server.app_dsn)).schemas)
    database = await Database.open(settings, role="rookery_slack", application_name="tests")
    await database.close()
    assert all(schema.adapted_at for schema in (await status(server.app_dsn)).schemas)
    server.close()


async def test_a_pool_goes_on_after_its_embedded_server_was_killed_or_stopped(home: Path) -> None:
    settings = CoreSettings(data_dir=home, database_idle_s=60)
    async with await Database.open(settings, role="rookery_slack", application_name="tests") as database:
        os.kill(postmaster(home), signal.SIGKILL)
        # Its children outlive it for a moment; a statement that one of them still takes is cut off, as it must be.
        take_lock(Layout(home).lock("server")).close()
        async with database.transaction(Caller(user="U1", kind="member")) as connection:
            assert await connection.fetchval("select current_setting('rookery.user')") == "U1"
        EmbeddedServer.stop(home)
        async with database.acquire() as connection:
            assert await connection.fetchval("select current_user") == "rookery_slack"
    assert is_locked(Layout(home).lock("server"))
