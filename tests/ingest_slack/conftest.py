"""Exports written to order, and the database as ingest has it."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

if TYPE_CHECKING:
    from rookery_core.database import Database

WriteExport = Callable[..., Path]


@pytest_asyncio.fixture
async def ingest(open_database: Callable[..., Awaitable[Database]]) -> Database:
    """The database under ingest's role."""
    return await open_database("rookery_ingest", max_connections=6)


@pytest.fixture
def write_export(tmp_path: Path) -> WriteExport:
    """Writes an export, as a folder or a zip: names of files with what they hold (JSON, or bytes as they are)."""

    def write(files: Mapping[str, Any], *, name: str = "export.zip") -> Path:
        contents = {
            path: value if isinstance(value, bytes) else json.dumps(value).encode()
            for path, value in files.items()
        }
        target = tmp_path / name
        if name.endswith(".zip"):
            with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
                for path, data in contents.items():
                    archive.writestr(path, data)
            return target
        for path, data in contents.items():
            file = target / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
        return target

    return write
