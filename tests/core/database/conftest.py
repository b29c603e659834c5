"""Schemas made for one test, and databases without any."""

from __future__ import annotations

import importlib
import sys
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from rookery_core.schema import Schema

if TYPE_CHECKING:
    from postgres_for_tests import TestServer

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
            (folder / filename).write_text(text if text.startswith("--") else HEADER + text)
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
