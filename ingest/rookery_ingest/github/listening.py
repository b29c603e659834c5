"""Runs the receiver until it is told to stop."""

from __future__ import annotations

import asyncio
import signal
import sys

from aiohttp import web

from rookery_core.database import Database
from rookery_core.identity import Caller
from rookery_core.queue import Queue
from rookery_ingest.github.receiver import PATH, TOPIC, Receiver
from rookery_ingest.github.settings import WebhookSettings


async def listen(settings: WebhookSettings, host: str, port: int, subscribe: str | None) -> None:
    """Receive until SIGTERM or SIGINT. Raises ConfigurationError without a secret."""
    secrets = settings.secrets()
    async with await Database.open(
        settings, role="rookery_ingest", application_name="rookery-ingest github"
    ) as database:
        queue = Queue(database, team=settings.team)
        if subscribe:
            await queue.subscribe(TOPIC, subscribe)
        receiver = Receiver(database, queue, secrets, Caller(team=settings.team, kind="agent"))
        await _serve(receiver, host, port)


async def _serve(receiver: Receiver, host: str, port: int) -> None:
    runner = web.AppRunner(receiver.application(), access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        print(f"rookery-ingest github: http://{host}:{port}{PATH}", file=sys.stderr)
        await _until_stopped()
    finally:
        await runner.cleanup()


async def _until_stopped() -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    await stopped.wait()
