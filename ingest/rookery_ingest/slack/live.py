"""`rookery-ingest slack listen`: a socket, its heartbeat, and the reading of what was missed."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncGenerator, Awaitable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from rookery_core.errors import ConfigurationError, RookeryError
from rookery_core.maintenance import Interval, run_periodically
from rookery_core.telemetry import get_logger
from rookery_ingest.slack.backfill import Backfiller
from rookery_ingest.slack.listening import BEAT_S, SUBSCRIPTION, Listener, subscribe
from rookery_ingest.slack.rate_limit import SharedRateLimit
from rookery_ingest.slack.running import ingest_caller, ingest_database
from rookery_ingest.slack.sync import MARK, Synchroniser
from rookery_slack.store import sync_state
from rookery_slackapi.web import SlackApi, web_client

if TYPE_CHECKING:
    from rookery_core.database import Database
    from rookery_core.identity import Caller
    from rookery_core.queue import Queue
    from rookery_ingest.slack.settings import SlackIngestSettings

_log = get_logger(__name__)
SYNC_EVERY = timedelta(hours=24)
FILL_EVERY_S = 3600.0
PATIENCE_S = 600.0
"""How long one call waits in total for Slack's limits: nobody waits for history."""
MAX_ATTEMPTS = 6
LIVE_BACKLOG = 200
"""With more live events waiting than this, reading history waits."""


@asynccontextmanager
async def slack_api(database: Database, settings: SlackIngestSettings) -> AsyncGenerator[SlackApi]:
    """The Web API under the bot token. Raises ConfigurationError without one."""
    if settings.bot_token is None:
        raise ConfigurationError(
            "There is no bot token.", hint="Set SLACK_BOT_TOKEN or ROOKERY_SLACK_INGEST_BOT_TOKEN (xoxb-…)."
        )
    client = web_client(settings.bot_token, settings)
    limit = SharedRateLimit(database, ingest_caller(settings))
    yield SlackApi(client, patience_s=PATIENCE_S, max_attempts=MAX_ATTEMPTS, rate_limit=limit)


async def listen_command(arguments: argparse.Namespace, settings: SlackIngestSettings) -> int:
    """Listen until a signal comes."""
    from rookery_core.queue import Queue

    if settings.app_token is None or settings.bot_token is None:
        raise ConfigurationError(
            "Listening needs an app-level token and a bot token.",
            hint="Set SLACK_APP_TOKEN (xapp-…) and SLACK_BOT_TOKEN (xoxb-…), or the two of an app of its own: "
            "ROOKERY_SLACK_INGEST_APP_TOKEN and ROOKERY_SLACK_INGEST_BOT_TOKEN.",
        )
    async with ingest_database(settings, connections=8) as database, slack_api(database, settings) as api:
        queue = Queue(database, team=settings.team)
        await subscribe(queue)
        listener = Listener(database, queue, ingest_caller(settings), settings.app_token, api.client)
        await listener.start()
        print("listening; run rookery-ingest worker beside this", file=sys.stderr)
        try:
            keeper = LiveKeeper(database, queue, api, listener, settings)
            await until_stopped(keeper.run())
        finally:
            await listener.close()
    return 0


async def until_stopped(work: Awaitable[None]) -> None:
    """Run until the work ends or SIGTERM or SIGINT comes."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, stop.set)
    running = asyncio.ensure_future(work)
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
    for task in (running, stopping):
        task.cancel()
    results = await asyncio.gather(running, stopping, return_exceptions=True)
    if isinstance(results[0], RookeryError):
        raise results[0]


class LiveKeeper:
    """Keeps what listening alone cannot: the heartbeat of coverage, the synchronisation, the gaps."""

    def __init__(
        self,
        database: Database,
        queue: Queue,
        api: SlackApi,
        listener: Listener,
        settings: SlackIngestSettings,
    ) -> None:
        self._database = database
        self._queue = queue
        self._api = api
        self._listener = listener
        self._settings = settings
        self._caller: Caller = ingest_caller(settings)
        self._channels: list[str] = []
        self._filling: asyncio.Task[None] | None = None
        self._fill = Interval(FILL_EVERY_S)

    async def run(self, beat_s: float = BEAT_S) -> None:
        """Run until cancelled. Slack's refusals are logged and tried again; a wrong token ends it."""
        await run_periodically(self.turn, beat_s, fatal=(ConfigurationError,))

    async def turn(self) -> None:
        """One beat: note that we listen, synchronise when it is time, look for gaps after a connection began."""
        await self._synchronise_if_due()
        began = await self._listener.beat(self._channels)
        if (began or self._fill.is_due()) and (self._filling is None or self._filling.done()):
            self._fill.restart()
            self._filling = asyncio.create_task(self._fill_gaps(), name="back-fill")

    async def wait_filled(self) -> None:
        """Until the back-fill that is under way has ended."""
        if self._filling is not None:
            await self._filling

    async def _synchronise_if_due(self) -> None:
        async with self._database.transaction(self._caller) as connection:
            last = await sync_state.mark(connection, self._caller, MARK)
        if last is None or datetime.now(UTC) - last > SYNC_EVERY:
            direct = self._settings.ingest_dms
            await Synchroniser(self._database, self._caller, self._api, keep_direct=direct).run()
            self._channels = []
        if not self._channels:
            self._channels = await joined_channels(self._api, direct=self._settings.ingest_dms)

    async def _fill_gaps(self) -> None:
        try:
            reach = timedelta(days=self._settings.backfill_days)
            filler = Backfiller(
                self._database, self._caller, self._api, reach=reach, after_live=self._after_live
            )
            filled = await filler.run(self._channels)
            _log.info("back-fill: %d messages in %d gaps", filled.messages, filled.gaps)
        except RookeryError as error:
            _log.warning("back-fill stopped: %s", error)

    async def _after_live(self) -> None:
        """History yields to what is being said now."""
        while await pending_events(self._queue) > LIVE_BACKLOG:  # noqa: ASYNC110 other processes empty it
            await asyncio.sleep(1)


async def joined_channels(api: SlackApi, *, direct: bool) -> list[str]:
    """The conversations the app is in: the only ones it hears."""
    kinds = "public_channel,private_channel" + (",im,mpim" if direct else "")
    return [
        str(raw["id"])
        async for page in api.pages(
            "users.conversations", "channels", types=kinds, limit=200, exclude_archived=True
        )
        for raw in page
        if direct or not (raw.get("is_im") or raw.get("is_mpim"))
    ]


async def pending_events(queue: Queue) -> int:
    """How many live events wait to be applied."""
    for each in (await queue.stats())["subscriptions"]:
        if each["subscription"] == SUBSCRIPTION:
            return each["ready"] + each["scheduled"] + each["leased"]
    return 0
