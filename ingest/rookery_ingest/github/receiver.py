"""Takes deliveries in over HTTP: in one transaction into the queue, and what is cached about them made stale."""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncpg
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import JSONResponse
from starlette.routing import Route

from rookery_core import sql
from rookery_core.errors import InvalidInput, NotFound, RookeryError
from rookery_core.http_server import BufferedBody
from rookery_core.identity import Caller
from rookery_core.queue import Queue
from rookery_core.telemetry import get_logger, new_trace_id
from rookery_ingest.github import deliveries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request

    from rookery_core.database import Connection, Database
    from rookery_ingest.github.deliveries import Delivery

logger = get_logger(__name__)
TOPIC = "github"
PATH = "/github/webhook"
MAX_BODY_BYTES = 25 * 1024 * 1024  # GitHub sends no more
_SQL = sql.load("rookery_ingest.github", "receiver.sql")


class Receiver:
    """Receives for one team. A delivery that arrives again is taken for the same."""

    def __init__(self, database: Database, queue: Queue, secrets: Sequence[bytes], caller: Caller) -> None:
        self._database = database
        self._queue = queue
        self._secrets = secrets
        self._caller = caller

    def application(self) -> Starlette:
        """The web application: the webhook's address, and /health."""
        return Starlette(
            routes=[Route(PATH, self.handle, methods=["POST"]), Route("/health", _health)],
            middleware=[Middleware(BufferedBody, max_bytes=MAX_BODY_BYTES)],
        )

    async def handle(self, request: Request) -> JSONResponse:
        """Answer one delivery: 202 once it is committed, 401 unsigned, 400 unreadable, 503 without a database."""
        body = await request.body()
        if not deliveries.is_signed(body, request.headers.get("X-Hub-Signature-256", ""), self._secrets):
            return JSONResponse({"error": "the signature does not fit"}, status_code=401)
        try:
            delivery = deliveries.read(request.headers, body)
            if delivery.event == "ping":
                return JSONResponse({"status": "pong"})
            return JSONResponse(await self.take(delivery), status_code=202)
        except InvalidInput as error:
            return JSONResponse({"error": error.message}, status_code=400)
        except (ValueError, RecursionError, asyncpg.DataError) as error:
            logger.warning("a delivery cannot be stored: %s", type(error).__name__)
            return JSONResponse({"error": "payload: holds what cannot be stored"}, status_code=400)
        except (RookeryError, OSError) as error:
            logger.warning("a delivery could not be kept: %s", type(error).__name__)
            return JSONResponse({"error": "try again later"}, status_code=503, headers={"Retry-After": "10"})

    async def take(self, delivery: Delivery) -> dict[str, object]:
        """Keep one delivery: all of it or nothing."""
        async with self._database.transaction(self._caller) as connection:
            stale = await self._make_stale(connection, delivery)
            queued = await self._enqueue(connection, delivery)
        return {"status": queued, "stale": stale}

    async def _make_stale(self, connection: Connection, delivery: Delivery) -> int:
        """How many cached answers must be asked for again. None where the GitHub server's schema is not there."""
        if delivery.repository is None or not await connection.fetchval(_SQL["has_cache"]):
            return 0
        return await connection.fetchval(
            _SQL["make_stale"], self._caller.team, delivery.host, delivery.repository, delivery.number
        )

    async def _enqueue(self, connection: Connection, delivery: Delivery) -> str:
        try:
            try:
                return await self._publish(connection, delivery, whole=True)
            except InvalidInput:
                return await self._publish(connection, delivery, whole=False)
        except NotFound:
            return "not queued: nothing subscribes to topic github"

    async def _publish(self, connection: Connection, delivery: Delivery, *, whole: bool) -> str:
        about = f"{delivery.repository}#{delivery.number}" if delivery.number else delivery.repository
        published = await self._queue.enqueue(
            TOPIC,
            delivery.as_event(whole=whole),
            key=delivery.id,
            ordering_key=about,
            trace_id=new_trace_id(),
            connection=connection,
        )
        return "duplicate" if published.duplicate else "queued"


async def _health(_request: Request) -> JSONResponse:
    return JSONResponse({"status": "ok"})
