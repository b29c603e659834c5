"""What a package owns in the database: a schema, its migrations, the role that serves it, what adapts it.

A package announces its schema under the entry point group `rookery.schemas`, so that `rookery db migrate`
finds all that are installed without importing a server by name.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rookery_core.database.capabilities import Capabilities
    from rookery_core.database.connection import Connection

ENTRY_POINT_GROUP = "rookery.schemas"

Adapt = Callable[["Connection", "Capabilities"], AsyncIterator[str]]
"""Makes, in steps that can be repeated and resumed, what depends on the server's extensions; yields a line
for each step done. Runs as the owner, outside a transaction (so that indexes build concurrently)."""


@dataclass(frozen=True, slots=True)
class Schema:
    """One schema of the database and who looks after it.

    name: the schema's name in PostgreSQL. package: the import package whose folder `migrations/` holds
    `NNNN_name.sql`. role: the role that serves it, or None. depends_on: schemas migrated before this one.
    """

    name: str
    package: str
    role: str | None = None
    depends_on: tuple[str, ...] = ("queue",)
    adapt: Adapt | None = None


def installed_schemas() -> list[Schema]:
    """Every schema announced by an installed package, each after those it depends on."""
    installed = {
        schema.name: schema for point in entry_points(group=ENTRY_POINT_GROUP) for schema in [point.load()]
    }
    ordered: dict[str, Schema] = {}

    def place(name: str) -> None:
        if name in ordered or name not in installed:
            return
        for dependency in installed[name].depends_on:
            if dependency != name:
                place(dependency)
        ordered[name] = installed[name]

    for name in sorted(installed):
        place(name)
    return list(ordered.values())
