"""What every Slack command stands on: settings, the database under ingest's role, one line for each error."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from rookery_core.errors import RookeryError
from rookery_core.identity import Caller
from rookery_core.telemetry import configure_telemetry
from rookery_ingest.slack.settings import SlackIngestSettings

if TYPE_CHECKING:
    from rookery_core.database import Database

Command = Callable[[argparse.Namespace, SlackIngestSettings], Coroutine[Any, Any, int]]


def runner(command: Command) -> Callable[[argparse.Namespace], int]:
    """`command` as argparse calls it: arguments in, exit status out; an error of ours is one line on stderr."""

    def run(arguments: argparse.Namespace) -> int:
        name = " ".join(filter(None, (arguments.command, getattr(arguments, "action", None))))
        try:
            settings = SlackIngestSettings.from_environment()
            configure_telemetry(settings)
            return asyncio.run(command(arguments, settings))
        except RookeryError as error:
            return _say(name, error)
        except BaseExceptionGroup as group:
            ours = group.subgroup(RookeryError)
            if ours is None:
                raise
            return _say(name, _first(ours))
        except KeyboardInterrupt:
            print("stopped; the next run goes on from here", file=sys.stderr)
            return 130

    return run


def _say(name: str, error: RookeryError) -> int:
    print(f"rookery-ingest {name}: {error}", file=sys.stderr)
    return error.exit_status


def _first(group: BaseExceptionGroup[RookeryError]) -> RookeryError:
    inner = group.exceptions[0]
    return _first(inner) if isinstance(inner, BaseExceptionGroup) else inner


def ingest_caller(settings: SlackIngestSettings) -> Caller:
    """On whose behalf ingest writes: the team's, nobody's in particular."""
    return Caller(team=settings.team, kind="agent")


@asynccontextmanager
async def ingest_database(settings: SlackIngestSettings, connections: int = 4) -> AsyncGenerator[Database]:
    """The database under ingest's role, closed in the end."""
    from rookery_core.database import Database

    database = await Database.open(settings, "rookery_ingest", "rookery-ingest", max_connections=connections)
    try:
        yield database
    finally:
        await database.close()
