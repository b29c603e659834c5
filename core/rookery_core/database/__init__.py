"""PostgreSQL: the embedded server or DATABASE_URL, its migrations, and a pool that serves under one role.

Importing this imports no driver; `Database` is loaded when first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rookery_core.database.capabilities import Capabilities
from rookery_core.database.codecs import vector_array
from rookery_core.database.connection import Connection, Row
from rookery_core.database.lazy_database import LazyDatabase

if TYPE_CHECKING:
    from rookery_core.database.adaptation import adapt
    from rookery_core.database.migrations import migrate
    from rookery_core.database.pool import Database
    from rookery_core.database.report import status

__all__ = [
    "Capabilities",
    "Connection",
    "Database",
    "LazyDatabase",
    "Row",
    "adapt",
    "migrate",
    "status",
    "vector_array",
]

_HOMES = {"Database": "pool", "adapt": "adaptation", "migrate": "migrations", "status": "report"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
