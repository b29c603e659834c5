"""Schemas made for one test, and databases without any."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from postgres_for_tests import TestServer
from rookery_core.database.embedded import EmbeddedServer
from rookery_core.database.schema import Schema

MakeSchema = Callable[..., Schema]

HEADER = "-- requires-program: 0.1.0\n"


@pytest.fixture
def make_schema(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeSchema]:
    """A function from a name and the texts of migrations to a schema whose package has them."""
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    made: list[str] = []

    def make(name: str, texts: dict[str, str], **options: Any) -> Schema:
        package = f"package_{uuid.uuid4().hex}"
        folder = tmp_path / package / "migrations"
        folder.mkdir(parents=True)
        (tmp_path / package / "__init__.py").touch()
        for filename, text in texts.items():
            (folder / filename).write_text(
                text if text.startswith("--") or filename.endswith(".toml") else HEADER + text
            )
        importlib.invalidate_caches()
        made.append(package)
        return Schema(name=name, package=package, **options)

    yield make
    for package in made:
        sys.modules.pop(package, None)


@pytest_asyncio.fixture
async def blank_dsn(postgres: TestServer) -> AsyncIterator[str]:
    """A database with nothing in it, as a superuser."""
    name = await postgres.create_database("template0")
    yield postgres.owner_dsn(name)
    await postgres.drop_database(name)


START = """
import sys
from pathlib import Path
from rookery_core.database.embedded import EmbeddedServer
server = EmbeddedServer.start(Path(sys.argv[1]), idle_s=float(sys.argv[2]))
print(server.owner_dsn, flush=True)
sys.stdin.read()
"""


@dataclass(slots=True)
class Program:
    """Another process that uses the embedded server until its standard input is closed, or it is killed."""

    process: subprocess.Popen[str]

    def dsn(self) -> str:
        """What it prints when the server answers. Fails with what it printed instead."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline().strip()
        assert line.startswith("postgresql://"), self.errors()
        return line

    def errors(self) -> str:
        return self.process.communicate()[1]

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()

    def finish(self) -> str:
        """End it, and what it printed since."""
        return self.process.communicate(timeout=60)[0]


RunProgram = Callable[..., Program]


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder with a short path whose embedded server ends with the test."""
    folder = Path(TestServer.new_folder("rk-"))
    yield folder / "data"
    if (folder / "data").exists():
        (folder / "data").chmod(0o700)
        EmbeddedServer.stop(folder / "data")
    shutil.rmtree(folder)


@pytest.fixture
def run_program(home: Path) -> Iterator[RunProgram]:
    """A function that starts another program on the same data folder."""
    programs: list[Program] = []

    def run(
        code: str = START,
        *arguments: str,
        idle_s: float = 60,
        command: tuple[str, ...] = (sys.executable,),
        **env: str,
    ) -> Program:
        process = subprocess.Popen(
            [*command, "-c", code, str(home), str(idle_s), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | env,
        )
        programs.append(Program(process))
        return programs[-1]

    yield run
    for program in programs:
        if program.process.poll() is None:
            program.kill()
