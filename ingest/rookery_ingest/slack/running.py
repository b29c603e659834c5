"""What every Slack command stands on: settings, the database under ingest's role, one line for each error."""

from __future__ import annotations

import argparse
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from rookery_core.console import run_configured
from rookery_core.identity import Caller
from rookery_ingest.slack.settings import SlackIngestSettings

if TYPE_CHECKING:
    from rookery_core.database import Database

Command = Callable[[argparse.Namespace, SlackIngestSettings], Coroutine[Any, Any, int]]


def runner(command: Command) -> Callable[[argparse.Namespace], int]:
    """`command` as argparse calls it: arguments in, exit status out; an error of ours is one line on stderr."""

    def run(arguments: argparse.Namespace) -> int:
        words = filter(None, ("rookery-ingest", arguments.command, getattr(arguments, "action", None)))
        return run_configured(
            " ".join(words),
            SlackIngestSettings.from_environment,
            lambda settings: command(arguments, settings),
            interrupted="stopped; the next run goes on from here",
        )

    return run


def ingest_caller(settings: SlackIngestSettings) -> Caller:
    """On whose behalf ingest writes: the team's, nobody's in particular."""
    return Caller(team=settings.team, kind="agent")


@asynccontextmanager
async def ingest_database(settings: SlackIngestSettings, connections: int = 4) -> AsyncGenerator[Database]:
    """The database under ingest's role, closed in the end."""
    from rookery_core.database import Database

    async with await Database.open(
        settings, "rookery_ingest", "rookery-ingest", max_connections=connections
    ) as database:
        yield database
