"""One server for all programs of a user, from whichever environment, for as long as one of them needs it."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import pytest

import rookery_core
from core.database.asking import ask
from rookery_core.database.embedded import EmbeddedServer
from rookery_core.database.embedded.layout import Layout
from rookery_core.database.embedded.locks import is_locked, take_lock

if TYPE_CHECKING:
    from core.database.conftest import RunProgram

pytestmark = pytest.mark.slow

BORN = "select pg_postmaster_start_time()::text"
PATIENCE_S = 30.0


async def until_stopped(home: Path) -> None:
    """Wait for the server to have ended: its last process lets the lock go."""
    lock = Layout(home).lock("server")
    (await asyncio.to_thread(take_lock, lock, timeout_s=PATIENCE_S)).close()


def runs(home: Path) -> bool:
    return is_locked(Layout(home).lock("server"))


async def test_four_programs_that_come_first_at_once_share_one_server(run_program: RunProgram) -> None:
    programs = [run_program() for _ in range(4)]
    dsns = [program.dsn() for program in programs]
    assert len(set(dsns)) == 1
    assert len({await ask(dsn, BORN) for dsn in dsns}) == 1


async def test_two_environments_share_it_and_it_outlives_the_one_that_started_it(
    home: Path, run_program: RunProgram, tmp_path: Path
) -> None:
    other = tmp_path / "environment"
    package = Path(rookery_core.__file__).parent
    shutil.copytree(package, other / package.name, ignore=shutil.ignore_patterns("__pycache__"))
    code = (
        "import sys; from pathlib import Path; from rookery_core.database.embedded import EmbeddedServer\n"
        "server = EmbeddedServer.start(Path(sys.argv[1]), idle_s=60); print(server.owner_dsn, flush=True)\n"
        "sys.stdin.read(); import rookery_core; print(rookery_core.__file__)"
    )
    starter = run_program(
        code, PYTHONPATH=os.pathsep.join([str(other), *sys.path]), PYTHONDONTWRITEBYTECODE="1"
    )
    born = await ask(starter.dsn(), BORN)
    ours = EmbeddedServer.start(home, idle_s=60)
    assert await ask(ours.owner_dsn, BORN) == born
    assert str(other) in starter.finish()
    shutil.rmtree(other)
    await ask(ours.owner_dsn, "create extension vector")  # a library opened late
    assert await ask(ours.owner_dsn, "select ('[1,2]'::vector <-> '[1,2]')::text") == "0"
    assert await ask(ours.owner_dsn, BORN) == born
    ours.close()


def python_for(uid: int) -> str | None:
    """A Python like this one that the user may run: root's own is often in root's home."""
    for path in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        version = f"import sys; sys.exit(sys.version_info[:2] != {tuple(sys.version_info[:2])})"
        command = [*as_user(uid), path, "-c", version]
        if subprocess.run(command, capture_output=True, check=False).returncode == 0:
            return path
    return None


def as_user(uid: int) -> list[str]:
    return ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "env"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
async def test_an_ordinary_user_has_a_server_of_their_own(home: Path, run_program: RunProgram) -> None:
    uid = 65534
    python = python_for(uid) if shutil.which("setpriv") else None
    if python is None:
        pytest.skip("no Python here that another user may run")
    home.parent.chmod(0o755)
    home.mkdir()
    os.chown(home, uid, uid)
    program = run_program(
        command=(*as_user(uid), python), PYTHONPATH=os.pathsep.join(p for p in sys.path if p)
    )
    try:
        await ask(program.dsn(), "create extension vector")
        pid = int((home / "postgresql-18" / "data" / "postmaster.pid").read_text().split()[0])
        assert Path(f"/proc/{pid}").stat().st_uid == uid
        assert (home / "binaries").stat().st_uid == uid
        program.finish()
        os.kill(pid, signal.SIGINT)
        await until_stopped(home)
    finally:
        os.chown(home / "postgresql-18", 0, 0)  # so that the fixture may look at it


async def test_it_stops_when_nobody_uses_it_and_starts_again(home: Path) -> None:
    server = EmbeddedServer.start(home, idle_s=0.2)
    await ask(server.owner_dsn, "create table kept as select 1 as n")
    server.close()
    await until_stopped(home)
    again = EmbeddedServer.start(home, idle_s=0.2)
    assert await ask(again.owner_dsn, "select n::text from kept") == "1"
    again.close()


async def test_it_does_not_stop_under_a_client_that_is_no_program_of_ours(home: Path) -> None:
    server = EmbeddedServer.start(home, idle_s=0.2)
    client = await asyncpg.connect(server.owner_dsn)
    server.close()
    looks = "select coalesce(sum(sessions), 0) from pg_stat_database where datname = 'postgres'"
    before = await client.fetchval(looks)
    async with asyncio.timeout(PATIENCE_S):
        while await client.fetchval(looks) < before + 2:  # the keeper has asked twice who is there
            await client.execute("select pg_sleep(0.02)")
    assert runs(home)
    await client.close()
    await until_stopped(home)


async def test_it_does_not_stop_while_a_program_holds_a_lease(home: Path, run_program: RunProgram) -> None:
    first = EmbeddedServer.start(home, idle_s=0.2)
    born = await ask(first.owner_dsn, BORN)
    program = run_program(idle_s=0.2)
    dsn = program.dsn()
    first.close()
    keeper_looked_s = 1.0
    await ask(dsn, f"select pg_sleep({keeper_looked_s})")
    assert await ask(dsn, BORN) == born
    program.kill()  # its lease goes with it
    await until_stopped(home)


async def test_programs_that_come_while_it_stops_wait_and_start_it_anew(
    home: Path, run_program: RunProgram
) -> None:
    for _ in range(3):
        program = run_program(idle_s=0.05)
        assert await ask(program.dsn(), "select 'up'") == "up"
        program.kill()


async def test_stop_ends_it_for_everybody(home: Path) -> None:
    server = EmbeddedServer.start(home, idle_s=60)
    client = await asyncpg.connect(server.owner_dsn)
    assert EmbeddedServer.stop(home)
    assert not EmbeddedServer.stop(home)
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await client.execute("select 1")
    client.terminate()
    server.close()
