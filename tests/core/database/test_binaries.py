"""The copy of PostgreSQL's programs: whole or absent, newest first, independent of where it came from."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from rookery_core.database.embedded import binaries
from rookery_core.database.embedded.layout import Layout

COPY_AND_DIE_BEFORE_NAMING = """
import os, signal, sys
from pathlib import Path
from rookery_core.database.embedded import binaries
from rookery_core.database.embedded.layout import Layout

def die(event, arguments):
    if event == "os.rename":
        os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(die)
binaries.prepare(Layout(Path(sys.argv[1])), for_other_account=False)
"""


def prepare(base: Path) -> binaries.Binaries:
    return binaries.prepare(Layout(base), for_other_account=False)


def version(found: binaries.Binaries) -> str:
    done = subprocess.run(
        [found.program("postgres"), "--version"], capture_output=True, text=True, check=True
    )
    return done.stdout


def test_the_copy_runs_and_is_made_once(tmp_path: Path) -> None:
    first = prepare(tmp_path)
    made = first.folder.stat().st_mtime_ns
    assert "(PostgreSQL) 18." in version(first)
    assert first.folder.is_relative_to(tmp_path)
    again = prepare(tmp_path)
    assert (again, again.folder.stat().st_mtime_ns) == (first, made)


def test_what_libraries_there_are_is_known(tmp_path: Path) -> None:
    found = prepare(tmp_path)
    assert found.has_library("vector")
    assert not found.has_library("no_such_library")


def test_programs_with_libraries_of_their_own_run_from_the_copy(tmp_path: Path) -> None:
    found = prepare(tmp_path)
    done = subprocess.run([found.program("psql"), "--version"], capture_output=True, text=True, check=True)
    assert "psql (PostgreSQL) 18." in done.stdout


def test_a_copy_that_was_interrupted_is_made_anew(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", COPY_AND_DIE_BEFORE_NAMING, str(tmp_path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(list((tmp_path / "binaries").iterdir())) == 1
    found = prepare(tmp_path)
    assert "(PostgreSQL) 18." in version(found)
    assert list((tmp_path / "binaries").iterdir()) == [found.folder]


def test_an_upgraded_package_replaces_the_copy(tmp_path: Path) -> None:
    old = tmp_path / "binaries" / "18.0.9"
    old.mkdir(parents=True)
    found = prepare(tmp_path)
    assert found.folder != old
    assert not old.exists()


def test_a_newer_copy_of_another_environment_is_used(tmp_path: Path) -> None:
    newer = tmp_path / "binaries" / "18.99.1"
    newer.mkdir(parents=True)
    assert prepare(tmp_path).folder == newer
