"""Serves the webhook receiver until a signal stops it."""

from __future__ import annotations

import sys

from rookery_core.database import Database
from rookery_core.errors import Unavailable
from rookery_core.http_server import ConnectionLimits, HttpServer
from rookery_core.http_server import listen as listen_on
from rookery_core.identity import Caller
from rookery_core.queue import Queue
from rookery_ingest.github.receiver import MAX_BODY_BYTES, PATH, TOPIC, Receiver
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
    try:
        listening = listen_on(host, port)
    except OSError as error:
        raise Unavailable(f"Cannot listen on {host}:{port}: {error.strerror}.") from None
    print(f"rookery-ingest github: http://{host}:{port}{PATH}", file=sys.stderr)
    limits = ConnectionLimits(max_body_bytes=MAX_BODY_BYTES)
    await HttpServer(receiver.application(), limits).serve([listening])
