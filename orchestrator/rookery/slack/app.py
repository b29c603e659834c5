"""The bot as a process: database, queue, agent, socket and workers, started and drained in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

from rookery.extraction.composition import extraction_handlers
from rookery.slack import actions
from rookery.slack.action_worker import ActionWorker
from rookery.slack.dispatcher import Dispatcher
from rookery.slack.receivers.http import HttpReceiver
from rookery.slack.receivers.intake import SUBSCRIPTION, TOPIC
from rookery.slack.receivers.interactions import Interactions
from rookery.slack.receivers.socket import SocketReceiver
from rookery.slack.services import Services, assemble
from rookery.slack.settings import BotSettings
from rookery_core import garbage_collection
from rookery_core.errors import Unavailable
from rookery_core.telemetry import get_logger
from rookery_slackapi.web import connect

if TYPE_CHECKING:
    from rookery.agent import Agent
    from rookery_core.database import Database
    from rookery_core.queue import Queue

START_PATIENCE_S = 60.0
MAX_CRASHES = 6
"""Attempts beyond `max_attempts` that a question gets when workers die under it without saying a word."""
logger = get_logger(__name__)


@asynccontextmanager
async def open_bot(
    settings: BotSettings, *, agent: Agent | None = None, **agent_options: Any
) -> AsyncGenerator[Services]:
    """Everything the bot needs, up to the point where it would listen. Raises ConfigurationError or SlackRefused."""
    from rookery.agent import open_agent

    async with AsyncExitStack() as stack:
        api = connect(settings)
        database, queue = await _open_queue(settings)
        stack.push_async_callback(database.close)
        chosen = agent or await stack.enter_async_context(
            open_agent(settings, for_many=True, **agent_options)
        )
        yield await assemble(settings, api, database, queue, chosen)


async def _open_queue(settings: BotSettings) -> tuple[Database, Queue]:
    """Database and queue; a database that is starting or recovering is waited for, up to START_PATIENCE_S."""
    deadline = asyncio.get_running_loop().time() + START_PATIENCE_S
    told = False
    while True:
        try:
            return await _open_queue_once(settings)
        except Unavailable as error:
            if asyncio.get_running_loop().time() > deadline:
                raise
            if not told:
                logger.warning("waiting up to %d s for the database: %s", START_PATIENCE_S, error.message)
            told = True
            await asyncio.sleep(1.0)


async def _open_queue_once(settings: BotSettings) -> tuple[Database, Queue]:
    from rookery_core.database import Database
    from rookery_core.queue import Backoff, Queue

    database = await Database.open(
        settings, role="rookery_agent", application_name="rookery-bot", max_connections=10
    )
    try:
        queue = Queue(database, team=settings.team)
        for topic, name in ((TOPIC, SUBSCRIPTION), (actions.TOPIC, actions.SUBSCRIPTION)):
            await queue.subscribe(
                topic,
                name,
                max_attempts=settings.max_attempts + MAX_CRASHES,
                lease_s=settings.lease_s,
                backoff=Backoff(base_s=settings.retry_base_s, cap_s=60.0),
                internal=True,
            )
    except BaseException:
        await database.close()
        raise
    return database, queue


async def run(
    settings: BotSettings,
    stop: asyncio.Event,
    *,
    over_http: bool = False,
    announce: Callable[[str], None] = logger.info,
    **options: Any,
) -> None:
    """Listen and answer until `stop` is set, then finish what was begun. announce: is told when people can ask."""
    from rookery_core.queue import Worker

    async with open_bot(settings, **options) as services:
        handlers = {
            SUBSCRIPTION: Dispatcher(services),
            actions.SUBSCRIPTION: ActionWorker(services),
            **await extraction_handlers(services.agent, services.queue),
        }
        worker = Worker(services.queue, handlers, concurrency=settings.workers)
        interactions = Interactions(services)
        receiver = (
            HttpReceiver(settings, services.intake, interactions)
            if over_http
            else SocketReceiver(settings, services.api, services.intake, interactions)
        )
        garbage_collection.freeze()
        async with worker:
            try:
                await receiver.start()
                announce(_listening(settings, services, over_http=over_http))
                await stop.wait()
            finally:
                await receiver.close()


def _listening(settings: BotSettings, services: Services, *, over_http: bool) -> str:
    place = (
        f"http://{settings.slack_http_host}:{settings.slack_http_port}/slack/" if over_http else "Socket Mode"
    )
    return f"listening over {place}, as {services.identity.user} of {services.identity.url}"
