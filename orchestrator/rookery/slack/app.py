"""The bot as a process: database, queue, agent, receiver and worker, started and drained in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

from rookery.extraction.composition import extraction_handlers
from rookery.slack import actions
from rookery.slack.composition import Bot, compose_bot
from rookery.slack.receivers.http import HttpReceiver
from rookery.slack.receivers.intake import SUBSCRIPTION, TOPIC
from rookery.slack.receivers.socket import SocketReceiver
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
"""Attempts beyond `max_attempts`, for workers that die without recording a failure."""
logger = get_logger(__name__)


async def run(
    settings: BotSettings,
    stop: asyncio.Event,
    *,
    over_http: bool = False,
    announce: Callable[[str], None] = logger.info,
    agent: Agent | None = None,
    **agent_options: Any,
) -> None:
    """Listen and answer until `stop` is set, then finish what was begun. announce: called once the bot listens.

    Raises ConfigurationError for settings that must be changed, Unavailable without Slack or a database.
    """
    from rookery.agent import open_agent
    from rookery_core.queue import Worker

    async with AsyncExitStack() as stack:
        api = connect(settings)
        database, queue = await _open_queue(settings)
        stack.push_async_callback(database.close)
        agent = agent or await stack.enter_async_context(open_agent(settings, for_many=True, **agent_options))
        bot = await compose_bot(settings, api, database, queue, agent)
        handlers = {**bot.handlers(), **await extraction_handlers(agent, queue)}
        receiver = (
            HttpReceiver(settings, bot.intake, bot.interactions)
            if over_http
            else SocketReceiver(settings, api, bot.intake, bot.interactions)
        )
        garbage_collection.freeze()
        async with Worker(queue, handlers, concurrency=settings.workers):
            try:
                await receiver.start()
                announce(_listening(settings, bot, over_http=over_http))
                await stop.wait()
            finally:
                await receiver.close()


def _listening(settings: BotSettings, bot: Bot, *, over_http: bool) -> str:
    address = f"http://{settings.slack_http_host}:{settings.slack_http_port}/slack/"
    identity = bot.platform.identity
    return f"listening over {address if over_http else 'Socket Mode'}, as {identity.user} of {identity.url}"


async def _open_queue(settings: BotSettings) -> tuple[Database, Queue]:
    """(database, queue); waits up to START_PATIENCE_S for a database that is starting or recovering."""
    deadline = asyncio.get_running_loop().time() + START_PATIENCE_S
    announced = False
    while True:
        try:
            return await _open_queue_once(settings)
        except Unavailable as error:
            if asyncio.get_running_loop().time() > deadline:
                raise
            if not announced:
                logger.warning("waiting up to %d s for the database: %s", START_PATIENCE_S, error.message)
            announced = True
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
