"""The numbered migrations of a schema, as they stand in its package."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from importlib.resources import files
from typing import Literal

from rookery_core.database.schema import Schema

_FILE = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")
_PROGRAM = re.compile(r"-- requires-program: (\d+(?:\.\d+)*)")
_RUNS_AS = re.compile(r"-- runs-as: (login|owner)")
_FOLDS_IN = re.compile(r"-- folds-in: 0001-(\d{4})")


class MigrationFileError(ValueError):
    """A folder of migrations is not as it must be. For developers of a package, not for its users."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One migration. requires_program: the oldest version of the program that works with its result.

    runs_as: `owner` for rookery_owner, or `login` for the login that migrates. folds_in: this file, with others that say so,
    replaces the migrations up to this number, whose files were removed. A database that has them all has this one, too.
    """

    schema: str
    number: int
    name: str
    text: str
    requires_program: str
    runs_as: Literal["login", "owner"] = "owner"
    folds_in: int = 0

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()

    def __str__(self) -> str:
        return f"{self.schema}/{self.number:04}_{self.name}"


def read(schema: Schema) -> list[Migration]:
    """The migrations of a schema in order; none when the package has no folder `migrations` yet.

    Raises MigrationFileError for a name without number, a duplicate or missing number, or a missing header.
    """
    folder = files(schema.package).joinpath("migrations")
    if not folder.is_dir():
        return []
    texts = {
        entry.name: entry.read_text("utf-8") for entry in folder.iterdir() if entry.name.endswith(".sql")
    }
    return ordered(schema.name, texts)


def ordered(schema: str, texts: dict[str, str]) -> list[Migration]:
    """The migrations that files of these names and texts make."""
    migrations = sorted(
        (_parse(schema, name, text) for name, text in texts.items()), key=lambda migration: migration.number
    )
    first = migrations[0].folds_in + 1 if migrations else 1
    for expected, migration in enumerate(migrations, start=first):
        if migration.number < expected:
            raise MigrationFileError(f"{migration}: there are two migrations of that number.")
        if migration.number > expected:
            raise MigrationFileError(f"{migration}: there is no migration {expected:04} before it.")
    return migrations


def _parse(schema: str, filename: str, text: str) -> Migration:
    match = _FILE.fullmatch(filename)
    if match is None:
        raise MigrationFileError(f"{schema}/{filename}: a migration is called NNNN_name.sql, in lower case.")
    lines = text.replace("\r\n", "\n").split("\n")
    program = _PROGRAM.fullmatch(lines[0].rstrip())
    if program is None:
        raise MigrationFileError(f"{schema}/{filename}: the first line must be '-- requires-program: X.Y.Z'.")
    second = lines[1].rstrip() if len(lines) > 1 else ""
    runs_as, folds_in = _RUNS_AS.fullmatch(second), _FOLDS_IN.fullmatch(second)
    return Migration(
        schema, int(match.group(1)), match.group(2), "\n".join(lines), program.group(1),
        "login" if runs_as and runs_as.group(1) == "login" else "owner",
        int(folds_in.group(1)) if folds_in else 0,
    )  # fmt: skip
