"""The numbered migrations of a schema, as they stand in its package."""

from __future__ import annotations

import hashlib
import re
import tomllib
from dataclasses import dataclass
from importlib.resources import files
from typing import Literal

from rookery_core.database.schema import Schema

_FILE = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")
_PROGRAM = re.compile(r"-- requires-program: (\d+(?:\.\d+)*)")
_RUNS_AS = re.compile(r"-- runs-as: (login|owner)")
_RENUMBERED = "renumbered.toml"


class MigrationFileError(ValueError):
    """A folder of migrations is not as it must be. For developers of a package, not for its users."""


@dataclass(frozen=True, slots=True)
class FormerNumber:
    """Under which number, and with which checksum, older databases recorded a migration that has another number now."""

    number: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Migration:
    """One migration. requires_program: the oldest version of the program that works with its result.

    runs_as: `owner` for rookery_owner, or `login` for the login that migrates.
    """

    schema: str
    number: int
    name: str
    text: str
    requires_program: str
    runs_as: Literal["login", "owner"] = "owner"
    former: FormerNumber | None = None

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
    former = folder.joinpath(_RENUMBERED)
    return ordered(schema.name, texts, former.read_text("utf-8") if former.is_file() else "")


def ordered(schema: str, texts: dict[str, str], renumbered: str = "") -> list[Migration]:
    """The migrations that files of these names and texts make.

    renumbered: the text of renumbered.toml, a table `[NNNN_name]` with `number` and `sha256` for each renumbered file.
    Raises MigrationFileError as `read` does.
    """
    former = {name: FormerNumber(**entry) for name, entry in tomllib.loads(renumbered).items()}
    migrations = sorted(
        (_parse(schema, name, text, former.get(name.removesuffix(".sql"))) for name, text in texts.items()),
        key=lambda migration: migration.number,
    )
    for expected, migration in enumerate(migrations, start=1):
        if migration.number < expected:
            raise MigrationFileError(f"{migration}: there are two migrations of that number.")
        if migration.number > expected:
            raise MigrationFileError(f"{migration}: there is no migration {expected:04} before it.")
    return migrations


def _parse(schema: str, filename: str, text: str, former: FormerNumber | None) -> Migration:
    match = _FILE.fullmatch(filename)
    if match is None:
        raise MigrationFileError(f"{schema}/{filename}: a migration is called NNNN_name.sql, in lower case.")
    lines = text.replace("\r\n", "\n").split("\n")
    program = _PROGRAM.fullmatch(lines[0].rstrip())
    if program is None:
        raise MigrationFileError(f"{schema}/{filename}: the first line must be '-- requires-program: X.Y.Z'.")
    second = lines[1].rstrip() if len(lines) > 1 else ""
    runs_as = _RUNS_AS.fullmatch(second)
    return Migration(
        schema, int(match.group(1)), match.group(2), "\n".join(lines), program.group(1),
        "login" if runs_as and runs_as.group(1) == "login" else "owner",
        former,
    )  # fmt: skip
