"""`rookery db migrate|adapt|status|url|stop`: what an operator does with the database."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Callable, Coroutine
from contextlib import closing
from dataclasses import asdict
from typing import Any

from rookery_core.console import run_configured
from rookery_core.errors import ConfigurationError
from rookery_core.settings import CoreSettings

_EPILOG = """\
Without DATABASE_URL these act on the embedded server, which needs none of them: it migrates itself.

examples:
  rookery db status
  DATABASE_URL=postgresql://owner@db.internal/rookery rookery db migrate
  DATABASE_URL=postgresql://owner@db.internal/rookery rookery db adapt
  rookery db status --json | jq .schemas
  pg_dump "$(rookery db url)" > rookery.sql

exit status: 0 done; 1 `status` report migrations pending; 2 settings or migrations must be changed;
69 the database is not reachable.
"""

Command = Callable[[argparse.Namespace, CoreSettings], Coroutine[Any, Any, int]]


def add_commands(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:  # pyright: ignore[reportPrivateUsage]
    """Add `db` to a command line. The parsed arguments then have `run`: call it with them for the exit status."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = subparsers.add_parser(
        "db", help="migrate, adapt or inspect the database", epilog=_EPILOG, formatter_class=raw,
        description="Migrate, adapt or inspect the database.",
    )  # fmt: skip
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, command, text in (
        ("migrate", _migrate, "bring the database to what this program needs; as its owner"),
        ("adapt", _adapt, "build what the server's extensions allow: indexes, hypertables; as its owner"),
        ("status", _status, "show the server, its migrations, and the roles"),
        (
            "stop",
            _stop,
            "stop the embedded server now, even if programs use it; the next program starts it again",
        ),
        ("url", _url, "print the owner's address with its password, for psql and pg_dump"),
    ):
        action = actions.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".",
                                    epilog=_EPILOG, formatter_class=raw)  # fmt: skip
        action.add_argument("--json", action="store_true", help="print JSON on standard output")
        action.set_defaults(run=_runner(command))


def _runner(command: Command) -> Callable[[argparse.Namespace], int]:
    def run(arguments: argparse.Namespace) -> int:
        return run_configured(
            f"rookery db {arguments.action}",
            CoreSettings.from_environment,
            lambda settings: command(arguments, settings),
        )

    return run


async def _migrate(arguments: argparse.Namespace, settings: CoreSettings) -> int:
    from rookery_core.database import provision
    from rookery_core.database.migrations import migrate

    with closing(await provision.find_server(settings)) as server:
        report = await migrate(server.owner_dsn, embedded=server.embedded is not None)
    if arguments.json:
        print(json.dumps(asdict(report)))
    else:
        for name in report.applied:
            print(f"applied {name}")
        print(f"{len(report.applied)} applied, {report.already} had been before")
    return 0


async def _adapt(arguments: argparse.Namespace, settings: CoreSettings) -> int:
    from rookery_core.database import provision
    from rookery_core.database.adaptation import adapt

    steps = 0
    with closing(await provision.find_server(settings)) as server:
        await provision.ensure_migrated(server, migrate=None)
        async for line in adapt(server.owner_dsn):
            steps += 1
            print(json.dumps({"step": line}) if arguments.json else line, flush=True)
    if not arguments.json:
        print(f"{steps} steps done" if steps else "nothing to do: the database fits the server")
    return 0


async def _status(arguments: argparse.Namespace, settings: CoreSettings) -> int:
    from rookery_core.database import provision
    from rookery_core.database.report import status

    with closing(await provision.find_server(settings)) as server:
        report = await status(server.serving_dsn)
    if arguments.json:
        print(json.dumps(report.as_dict() | {"embedded": server.embedded is not None}))
    else:
        kind = f"embedded, in {settings.data_dir}" if server.embedded else "as DATABASE_URL says"
        print("\n".join([f"server: {kind}", *report.lines()]))
    return 1 if report.problem else 0


async def _url(arguments: argparse.Namespace, settings: CoreSettings) -> int:
    from rookery_core.database import provision

    with closing(await provision.find_server(settings)) as server:
        print(json.dumps({"url": server.owner_dsn}) if arguments.json else server.owner_dsn)
    return 0


async def _stop(arguments: argparse.Namespace, settings: CoreSettings) -> int:
    from rookery_core.database.embedded import EmbeddedServer

    if settings.database_url is not None:
        raise ConfigurationError(
            "DATABASE_URL names a server that Rookery has not started.", hint="Unset it."
        )
    stopped = await asyncio.to_thread(EmbeddedServer.stop, settings.data_dir)
    outcome = "stopped" if stopped else "it did not run"
    print(json.dumps({"stopped": stopped}) if arguments.json else outcome)
    return 0
