"""Slack's Events API over HTTP: signed requests, stored before they are acknowledged."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from rookery.slack.settings import BotSettings
from rookery_core.errors import ConfigurationError, RookeryError, Unavailable
from rookery_core.telemetry import get_logger

if TYPE_CHECKING:
    from aiohttp import web

    from rookery.slack.receivers.intake import Intake
    from rookery.slack.receivers.interactions import Interactions

Json = dict[str, Any]
Responder = Callable[[bytes], Awaitable["web.Response"]]
_MALFORMED = (KeyError, TypeError, ValueError, AttributeError, RecursionError)
MAX_BYTES = 1_000_000
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
BODY_TIMEOUT_S = 10.0
LINGERING_S = 1.0
"""How long the rest of a refused body is read, so that the client sees the refusal."""
MAX_SKEW_S = 300
logger = get_logger(__name__)


class HttpReceiver:
    """Serves /slack/events, /slack/interactions, /slack/commands and /health."""

    def __init__(
        self,
        settings: BotSettings,
        intake: Intake,
        interactions: Interactions,
        clock: Callable[[], float] = time.time,
    ) -> None:
        secret = settings.signing_secret
        if secret is None or not secret.get_secret_value():
            raise ConfigurationError(
                "SLACK_SIGNING_SECRET is not set.",
                hint="Copy it from your Slack app, page Basic Information.",
            )
        self._secret = secret.get_secret_value()
        self._settings = settings
        self._intake = intake
        self._interactions = interactions
        self._clock = clock
        self._runner: web.AppRunner | None = None
        self.port = settings.slack_http_port

    async def start(self) -> None:
        """Listen; `port` is then the port in use. Raises Unavailable when the port is taken."""
        from aiohttp import web

        application = web.Application(client_max_size=MAX_BYTES)
        for path, answer in (
            ("/slack/events", self._events),
            ("/slack/interactions", self._interaction),
            ("/slack/commands", self._command),
        ):
            application.router.add_post(path, partial(self._signed, answer))
        application.router.add_get("/health", _health)
        self._runner = web.AppRunner(
            application, access_log=None, shutdown_timeout=5, lingering_time=LINGERING_S
        )
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._settings.slack_http_host, self.port).start()
        except OSError as error:
            await self.close()
            raise Unavailable(f"Cannot listen on port {self.port}: {error.strerror}.") from None
        self.port = int(self._runner.addresses[0][1])

    async def close(self) -> None:
        """Finish the requests in progress and stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _signed(self, respond: Responder, request: web.Request) -> web.Response:
        """Respond to what Slack signed. Slack sends again what cannot be stored; malformed requests are refused."""
        from aiohttp import web

        body = await self._read_body(request)
        timestamp = request.headers.get("X-Slack-Request-Timestamp", "")
        signature = request.headers.get("X-Slack-Signature", "")
        if not is_signed(self._secret, body, timestamp, signature, self._clock()):
            logger.warning("a request to %s has no valid signature of Slack", request.path)
            return web.Response(status=401)
        try:
            return await respond(body)
        except RookeryError as error:
            logger.warning("a request to %s could not be handled: %s", request.path, error)
            return web.Response(status=error.http_status)
        except _MALFORMED as error:
            logger.warning("a request to %s is malformed: %r", request.path, error)
            return web.Response(status=400)

    async def _read_body(self, request: web.Request) -> bytes:
        """The whole body. Answers 408 when it is late, 400 when it is incomplete, 413 when it is too large."""
        from aiohttp import ClientPayloadError, web

        try:
            async with asyncio.timeout(BODY_TIMEOUT_S):
                return await request.read()
        except TimeoutError:
            logger.warning("the body of a request to %s did not arrive in time", request.path)
            raise web.HTTPRequestTimeout from None
        except (OSError, ClientPayloadError) as error:
            logger.info("the body of a request to %s is incomplete (%s)", request.path, type(error).__name__)
            raise web.HTTPBadRequest from None

    async def _events(self, body: bytes) -> web.Response:
        from aiohttp import web

        payload = _json(body)
        if payload.get("type") == "url_verification":
            return web.json_response({"challenge": str(payload.get("challenge", ""))})
        if payload.get("type") == "event_callback":
            await self._intake.store_event(payload)
        return web.Response(status=200)

    async def _interaction(self, body: bytes) -> web.Response:
        from aiohttp import web

        payload = _json(dict(parse_qsl(body.decode("utf-8", "replace"))).get("payload", "").encode())
        answer = await self._interactions.handle_interaction("interactive", payload)
        return web.json_response(answer) if answer else web.Response(status=200)

    async def _command(self, body: bytes) -> web.Response:
        from aiohttp import web

        form = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        if "ssl_check" in form:  # Slack checks the certificate from time to time
            return web.Response(status=200)
        answer = await self._interactions.handle_interaction("slash_commands", form)
        return web.json_response(answer or {})


def is_signed(secret: str, body: bytes, timestamp: str, signature: str, now: float) -> bool:
    """Whether Slack made this request: its signature is valid and at most MAX_SKEW_S old."""
    import hashlib
    import hmac

    if not _TIMESTAMP.fullmatch(timestamp) or abs(now - int(timestamp)) > MAX_SKEW_S:
        return False
    digest = hmac.new(secret.encode(), b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(f"v0={digest}".encode(), signature.encode(errors="replace"))


async def _health(request: web.Request) -> web.Response:
    from aiohttp import web

    return web.json_response({"status": "ok"})


def _json(body: bytes) -> Json:
    value: Any = json.loads(body)
    if not isinstance(value, dict):
        raise TypeError("not a JSON object")
    return value  # pyright: ignore[reportUnknownVariableType]
