"""How much the stores hold, for `rookery doctor` and `rookery install`.

A package that stores something has a file `holdings.sql` whose statement `holdings` takes the team and returns rows of
what is held (`name`), how many (`amount`), up to when (`latest`, or null), how many without a vector (`without_vector`)
and the models of the stored vectors (`models`).
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from typing import TYPE_CHECKING

from rookery_core import sql
from rookery_core.database import migrations, provision
from rookery_core.database.connections import connected
from rookery_core.database.schema import installed_schemas

if TYPE_CHECKING:
    from rookery_core.database.connection import Connection, Row
    from rookery_core.settings import CoreSettings

FILE = "holdings.sql"


@dataclass(frozen=True, slots=True)
class Holding:
    """name: what is held, in the plural. latest: when the newest of them is from, where that is known."""

    name: str
    amount: int
    latest: datetime | None
    without_vector: int
    models: tuple[str, ...]

    def text(self) -> str:
        """For people."""
        name = _singular(self.name) if self.amount == 1 else self.name
        until = f" up to {self.latest:%Y-%m-%d}" if self.latest else ""
        return f"{self.amount:,} {name}{until}"


def _singular(name: str) -> str:
    return f"{name.removesuffix('ies')}y" if name.endswith("ies") else name.removesuffix("s")


@dataclass(frozen=True, slots=True)
class Holdings:
    """uncounted: the schemas that the login of DATABASE_URL may not count."""

    held: tuple[Holding, ...]
    uncounted: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether everything was counted and there is nothing."""
        return not self.uncounted and not any(holding.amount for holding in self.held)

    def text(self) -> str:
        """For people, in one line."""
        hidden = [f"the schema {name} is not readable by this login" for name in self.uncounted]
        return ", ".join([*(holding.text() for holding in self.held), *hidden]) or "nothing"


async def read_holdings(settings: CoreSettings) -> Holdings:
    """What the stores of the installed packages hold for the team of the settings.

    Starts the embedded server where there is no DATABASE_URL. Raises Unavailable, and ConfigurationError when the
    embedded server cannot run.
    """
    held: list[Holding] = []
    uncounted: list[str] = []
    with closing(await provision.find_server(settings)) as server:
        async with connected(server.owner_dsn, "rookery holdings") as connection:
            applied = {row["schema"] for row in await migrations.applied(connection)}
            for schema in installed_schemas():
                if schema.name not in applied or not files(schema.package).joinpath(FILE).is_file():
                    continue
                rows = await _count(connection, schema.package, settings.team)
                if rows is None:
                    uncounted.append(schema.name)
                held += [_holding(row) for row in rows or ()]
    return Holdings(tuple(held), tuple(uncounted))


def _holding(row: Row) -> Holding:
    return Holding(row["name"], row["amount"], row["latest"], row["without_vector"], tuple(row["models"]))


async def _count(connection: Connection, package: str, team: str) -> list[Row] | None:
    """The rows of one store, as the login or as the role that imports; None when neither may read them all."""
    import asyncpg

    statements = sql.load("rookery_core.database", FILE)
    statement = sql.load(package, FILE)["holdings"]
    for role in ("none", "rookery_ingest"):
        try:
            async with connection.transaction():
                await connection.execute(statements["act_for_team"], role, team)
                return await connection.fetch(statement, team)
        except asyncpg.InsufficientPrivilegeError:
            continue
    return None
