"""The database: there, of an age that works, with what it should have, migrated."""

from __future__ import annotations

import os
import platform
import shutil
import sys

from rookery.doctor.findings import Examined, Finding, failed, stopwatch
from rookery.doctor.holdings import check_holdings
from rookery_core.errors import Unavailable

_OPTIONAL = {
    "timescaledb": "plain tables are used; hypertables, compression and retention need it",
    "pg_trgm": "search for parts of words is slower and finds less",
    "unaccent": "words with accents are found only as they are written",
}
LEAST_FREE_BYTES = 2 * 2**30


async def check_database(examined: Examined) -> list[Finding]:
    """Connect as a program does, which starts the embedded server when there is no DATABASE_URL."""
    from rookery_core.database import Database

    settings = examined.settings
    held: list[Finding] = []
    found = [] if settings.database_url else [_platform(), _space(examined)]
    with stopwatch() as elapsed:
        try:
            database = await Database.open(settings, role="rookery_agent", application_name="rookery doctor")
        except Exception as error:  # noqa: BLE001 whatever it is, the report says it
            return [*found, _unopened(error, embedded=settings.database_url is None)]
        try:
            held = await check_holdings(settings)
            offered = database.capabilities
            kind = "DATABASE_URL" if settings.database_url else f"embedded in {settings.data_dir}"
            version = f"{offered.server_version // 10000}.{offered.server_version % 10000}"
            found.append(Finding("database", "ok", f"PostgreSQL {version} ({kind}), {elapsed()}"))
            found += _extensions(offered.as_dict(), embedded=settings.database_url is None)
        finally:
            await database.close()
    return [*held, *found]


def _unopened(error: Exception, *, embedded: bool) -> Finding:
    """Why there is no database. Others send people here for that, so the cause itself is named."""
    cause = error.__cause__
    if not isinstance(error, Unavailable) or cause is None:
        return failed("database", error, "Set DATABASE_URL to a PostgreSQL 16 or newer with pgvector.")
    remedy = (
        "Look into the server's log in ROOKERY_DATA_DIR."
        if embedded
        else "Start the server, or correct host and port in DATABASE_URL."
    )
    told = " ".join(str(cause).split()) or type(cause).__name__
    return Finding("database", "fail", f"{error.message.rstrip('.')}: {told}", remedy)


def _extensions(offered: dict[str, object], *, embedded: bool) -> list[Finding]:
    if not offered["vector"]:
        return [
            Finding(
                "extensions", "fail", "pgvector is missing", "As superuser: create extension vector; then `rookery db migrate`."
            )
        ]  # fmt: skip
    found = [
        Finding(
            "extensions",
            "ok",
            ", ".join(f"{name}" for name in sorted(offered) if offered[name] and name != "server_version"),
        )
    ]
    for name, consequence in _OPTIONAL.items():
        if not offered[name]:
            state = "ok" if embedded and name == "timescaledb" else "warn"
            remedy = (
                ""
                if state == "ok"
                else f"Install {name} on the server; then `rookery db migrate` and `rookery db adapt`."
            )
            found.append(Finding("extensions", state, f"no {name}: {consequence}", remedy))
    return found


def _platform() -> Finding:
    """The embedded server is built for common systems only."""
    remedy = "Set DATABASE_URL to a PostgreSQL 16 or newer with pgvector."
    if sys.platform.startswith("linux"):
        name, version = platform.libc_ver()
        if name != "glibc":
            return Finding(
                "platform", "fail", "the embedded PostgreSQL needs glibc (this looks like musl)", remedy
            )
        if tuple(map(int, version.split(".")[:2])) < (2, 28):
            return Finding(
                "platform", "fail", f"the embedded PostgreSQL needs glibc 2.28, here is {version}", remedy
            )
    return Finding(
        "platform", "ok", f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    )


def _space(examined: Examined) -> Finding:
    folder = examined.settings.data_dir.expanduser().absolute()
    while not folder.exists():
        folder = folder.parent
    if not os.access(folder, os.W_OK):
        return Finding(
            "disk", "fail", f"{folder} cannot be written to", "Set ROOKERY_DATA_DIR to a folder of yours."
        )
    free = shutil.disk_usage(folder).free
    state = "ok" if free >= LEAST_FREE_BYTES else "warn"
    remedy = "" if state == "ok" else "Make room, or set ROOKERY_DATA_DIR to another disk."
    return Finding("disk", state, f"{free / 2**30:.1f} GiB free for {examined.settings.data_dir}", remedy)
