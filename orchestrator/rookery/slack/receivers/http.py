"""The Events API over HTTP, for teams without Socket Mode: signed requests, stored before they are answered."""

from __future__ import annotations

import json
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
_NOT_SLACKS = (KeyError, TypeError, ValueError, AttributeError, RecursionError)
MAX_BYTES = 1_000_000
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
        """Listen; `port` is then the one in use. Raises Unavailable when it is taken."""
        from aiohttp import web

        application = web.Application(client_max_size=MAX_BYTES)
        for path, answer in (
            ("/slack/events", self._events),
            ("/slack/interactions", self._interaction),
            ("/slack/commands", self._command),
        ):
            application.router.add_post(path, partial(self._signed, answer))
        application.router.add_get("/health", _health)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=5)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._settings.slack_http_host, self.port).start()
        except OSError as error:
            await self.close()
            raise Unavailable(f"Cannot listen on port {self.port}: {error.strerror}.") from None
        self.port = int(self._runner.addresses[0][1])

    async def close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _signed(self, answer: Responder, request: web.Request) -> web.Response:
        """Answer what Slack signed. What cannot be stored now Slack sends again; what it never sends is refused."""
        from aiohttp import web

        body = await self._verified(request)
        if body is None:
            return web.Response(status=401)
        try:
            return await answer(body)
        except RookeryError as error:
            logger.warning("a request to %s was not taken: %s", request.path, error)
            return web.Response(status=error.http_status)
        except _NOT_SLACKS as error:
            logger.warning("a request to %s is not what Slack sends: %r", request.path, error)
            return web.Response(status=400)

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
        if "ssl_check" in form:  # Slack looks now and then whether the certificate is good
            return web.Response(status=200)
        answer = await self._interactions.handle_interaction("slash_commands", form)
        return web.json_response(answer or {})

    async def _verified(self, request: web.Request) -> bytes | None:
        """The body, when Slack signed it within five minutes; None otherwise."""
        body = await request.read()
        timestamp = request.headers.get("X-Slack-Request-Timestamp", "")
        signature = request.headers.get("X-Slack-Signature", "")
        if is_signed(self._secret, body, timestamp, signature, self._clock()):
            return body
        logger.warning("a request to %s without a valid signature of Slack", request.path)
        return None


def is_signed(secret: str, body: bytes, timestamp: str, signature: str, now: float) -> bool:
    """Whether Slack made this request: its signature fits and it is at most five minutes old."""
    import hashlib
    import hmac

    if not (timestamp.isascii() and timestamp.isdigit()) or abs(now - int(timestamp)) > MAX_SKEW_S:
        return False
    digest = hmac.new(secret.encode(), b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(f"v0={digest}".encode(), signature.encode())


async def _health(request: web.Request) -> web.Response:
    from aiohttp import web

    return web.json_response({"status": "ok"})


def _json(body: bytes) -> Json:
    value: Any = json.loads(body)
    if not isinstance(value, dict):
        raise TypeError("not a JSON object")
    return value  # pyright: ignore[reportUnknownVariableType]
