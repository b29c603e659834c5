"""The embedded server as it comes: private, its own, and nothing above it touched."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import stat
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

from core.database.asking import ask
from rookery_core.database.embedded import EmbeddedServer, binaries, socket_folder
from rookery_core.database.embedded.layout import Layout
from rookery_core.errors import ConfigurationError, Unavailable

if TYPE_CHECKING:
    from core.database.conftest import RunProgram

pytestmark = pytest.mark.slow


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def above(path: Path) -> dict[Path, int]:
    return {parent: mode(parent) for parent in path.parents}


async def test_a_first_start_makes_a_private_server(home: Path) -> None:
    modes = above(home)
    server = EmbeddedServer.start(home, idle_s=60)
    folder = home / "postgresql-18"
    try:
        assert above(home) == modes
        assert {mode(home), mode(folder), mode(folder / "data"), mode(folder / "socket")} == {0o700}
        assert {mode(folder / f"{name}.password") for name in ("owner", "app")} == {0o600}
        assert await ask(server.owner_dsn, "show listen_addresses") == ""
        assert await ask(server.owner_dsn, "show fsync") == "on"
        assert await ask(server.owner_dsn, "show password_encryption") == "scram-sha-256"
        assert (
            await ask(server.app_dsn, "select rolsuper from pg_roles where rolname = current_user")
        ) is False
    finally:
        server.close()
    assert "password" not in repr(server)
    assert str(urlsplit(server.owner_dsn).password) not in repr(server)


async def test_variables_of_the_shell_for_other_servers_do_not_apply(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("PGPORT", "6000"), ("PGSSLMODE", "require"), ("PGTARGETSESSIONATTRS", "standby")):
        monkeypatch.setenv(name, value)
    server = EmbeddedServer.start(home, idle_s=60)
    try:
        assert await ask(server.app_dsn, "select 1") == 1
    finally:
        server.close()


async def test_without_the_password_nobody_comes_in(home: Path) -> None:
    server = EmbeddedServer.start(home, idle_s=60)
    parts = urlsplit(server.owner_dsn)
    for login in ("postgres:wrong@", "rookery_app:wrong@", "nobody:wrong@"):
        with pytest.raises(asyncpg.InvalidPasswordError):
            await ask(parts._replace(netloc=login).geturl(), "select 1")
    server.close()


async def test_text_sorts_by_code_point_everywhere(home: Path) -> None:
    server = EmbeddedServer.start(home, idle_s=60)
    ordered = await ask(
        server.owner_dsn, "select string_agg(w, ' ' order by w) from unnest(array['b', 'é', 'a', 'B', 'z']) w"
    )
    upper = await ask(server.owner_dsn, "select upper('éß')")
    server.close()
    assert ordered == "B a b z é"
    assert upper == "Éß"


async def test_a_second_start_finds_the_first(home: Path) -> None:
    first, second = (EmbeddedServer.start(home, idle_s=60) for _ in range(2))
    started = "select pg_postmaster_start_time()"
    assert await ask(first.owner_dsn, started) == await ask(second.owner_dsn, started)
    first.close()
    second.close()


async def test_what_was_in_memory_is_read_again_after_a_stop(home: Path) -> None:
    server = EmbeddedServer.start(home, idle_s=60)
    await ask(server.owner_dsn, "create extension pg_buffercache")
    await ask(
        server.owner_dsn,
        "create table read_often as select generate_series(1, 100000)",
    )
    server.close()
    EmbeddedServer.stop(home)
    server = EmbeddedServer.start(home, idle_s=60)
    pages = "select count(*) from pg_buffercache where relfilenode = pg_relation_filenode('read_often')"
    async with asyncio.timeout(30):
        while await ask(server.owner_dsn, pages) < 100:
            pass
    server.close()


async def test_a_folder_with_two_names_has_one_server(home: Path, tmp_path: Path) -> None:
    deep = home / ("very-long-name-" * 8)
    deep.mkdir(parents=True)
    (tmp_path / "alias").symlink_to(deep)
    server, alias = EmbeddedServer.start(deep, idle_s=60), EmbeddedServer.start(tmp_path / "alias", idle_s=60)
    assert alias.owner_dsn == server.owner_dsn
    server.close()
    alias.close()
    EmbeddedServer.stop(deep)
    shutil.rmtree(parse_qs(urlsplit(server.owner_dsn).query)["host"][0])


async def test_a_lost_password_is_replaced(home: Path) -> None:
    EmbeddedServer.start(home, idle_s=60).close()
    EmbeddedServer.stop(home)
    (home / "postgresql-18" / "owner.password").unlink()
    server = EmbeddedServer.start(home, idle_s=60)
    assert await ask(server.owner_dsn, "select current_user") == "postgres"
    assert await ask(server.app_dsn, "select current_user") == "rookery_app"
    server.close()


def test_a_password_lost_under_a_running_server_is_told_with_its_remedy(home: Path) -> None:
    EmbeddedServer.start(home, idle_s=60).close()
    (home / "postgresql-18" / "app.password").unlink()
    with pytest.raises(ConfigurationError, match=r"passwords in .* are gone.*rookery db stop"):
        EmbeddedServer.start(home, idle_s=60)
    EmbeddedServer.stop(home)
    EmbeddedServer.start(home, idle_s=60).close()


def test_no_second_server_is_started_where_locks_do_not_work(home: Path) -> None:
    EmbeddedServer.start(home, idle_s=60).close()
    lock = home / "postgresql-18.server"
    held = lock.rename(home / "held")
    lock.touch()  # a lock that is free although the server runs, as on a network file system
    with pytest.raises(ConfigurationError, match="locks do not work on this file system"):
        EmbeddedServer.start(home, idle_s=60)
    held.rename(lock)
    EmbeddedServer.start(home, idle_s=60).close()


async def test_too_open_a_folder_is_closed_again(home: Path) -> None:
    EmbeddedServer.start(home, idle_s=60).close()
    (home / "postgresql-18").chmod(0o755)
    EmbeddedServer.start(home, idle_s=60).close()
    assert mode(home / "postgresql-18") == 0o700


async def test_a_path_too_long_for_a_socket_gets_a_short_folder(home: Path) -> None:
    deep = home / ("very-long-name-" * 8)
    server = EmbeddedServer.start(deep, idle_s=60)
    (host,) = parse_qs(urlsplit(server.owner_dsn).query)["host"]
    try:
        assert len(host) < 60
        assert mode(Path(host)) == 0o700
        assert await ask(server.owner_dsn, "select 1") == 1
    finally:
        server.close()
        EmbeddedServer.stop(deep)
        shutil.rmtree(host)


async def test_a_short_folder_that_is_somebody_elses_is_refused(home: Path, tmp_path: Path) -> None:
    deep = home / ("very-long-name-" * 8)
    folder = socket_folder.socket_folder(Layout(deep))
    folder.symlink_to(tmp_path)
    try:
        with pytest.raises(ConfigurationError, match=f"{folder} should be"):
            EmbeddedServer.start(deep, idle_s=60)
    finally:
        folder.unlink()


def test_a_data_folder_that_can_not_be_made_is_named(home: Path) -> None:
    home.write_text("a file")
    with pytest.raises(ConfigurationError, match=r"can not be made.*ROOKERY_DATA_DIR"):
        EmbeddedServer.start(home / "below")
    home.unlink()


def test_a_folder_in_which_something_is_wrong_is_an_error_without_traceback(home: Path) -> None:
    (home / "postgresql-18.clients").mkdir(parents=True)  # a folder where a lock file must be
    with pytest.raises(Unavailable, match=r"postgresql-18 can not be used: .*clients"):
        EmbeddedServer.start(home)
    (home / "postgresql-18.clients").rmdir()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_another_users_database_is_refused(home: Path) -> None:
    (home / "postgresql-18").mkdir(parents=True)
    os.chown(home / "postgresql-18", 65534, 65534)
    with pytest.raises(ConfigurationError, match="belongs to user id 65534, not to 0"):
        EmbeddedServer.start(home)
    os.chown(home / "postgresql-18", 0, 0)


@pytest.mark.skipif(os.geteuid() != 0, reason="about what root does")
async def test_roots_server_runs_as_a_lesser_account_in_a_folder_closed_to_it(home: Path) -> None:
    home.mkdir(mode=0o700)
    server = EmbeddedServer.start(home, idle_s=60)
    pid = int((home / "postgresql-18" / "data" / "postmaster.pid").read_text().split()[0])
    status = Path(f"/proc/{pid}/status").read_text()
    uids = next(line for line in status.splitlines() if line.startswith("Uid:")).split()[1:]
    capabilities = next(line for line in status.splitlines() if line.startswith("CapEff:")).split()[1]
    server.close()
    assert "0" not in uids
    assert int(capabilities, 16) == 0
    assert (home / "postgresql-18" / "data").stat().st_uid == int(uids[0])


@pytest.mark.skipif(
    os.geteuid() == 0, reason="an ordinary user's copy is beside the data; root's is elsewhere"
)
async def test_the_programs_are_copied_beside_the_data(home: Path) -> None:
    server = EmbeddedServer.start(home, idle_s=60)
    server.close()
    assert (home / "binaries").is_dir()


def test_no_embedded_postgresql_says_what_to_set(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "PACKAGE", "no_postgres_for_this_platform")
    with pytest.raises(ConfigurationError, match=r"musl.*Set DATABASE_URL"):
        EmbeddedServer.start(home)


def test_a_full_disk_says_so(home: Path, run_program: RunProgram) -> None:
    program = run_program(
        "import resource, sys, signal\n"
        "from pathlib import Path\n"
        "from rookery_core.database.embedded import EmbeddedServer\n"
        "from rookery_core.errors import RookeryError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))\n"
        "try:\n"
        "    EmbeddedServer.start(Path(sys.argv[1]))\n"
        "except RookeryError as error:\n"
        "    print(error)\n"
    )
    said, errors = program.process.communicate(timeout=60)
    assert re.search(r"could not be (created|copied) .*\broom\b", said), errors
    assert len(said) < 1000
    server = EmbeddedServer.start(home, idle_s=60)  # nothing half made is in the way
    server.close()


def test_a_server_that_can_not_start_tells_its_reason(home: Path) -> None:
    EmbeddedServer.start(home, idle_s=60).close()
    EmbeddedServer.stop(home)
    with pytest.raises(Unavailable, match=r"stopped while it started.*no_such_setting.*server\.log"):
        EmbeddedServer.start(home, server_settings={"no_such_setting": "1"})
    EmbeddedServer.start(home, idle_s=60).close()
