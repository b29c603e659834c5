"""Slack's Events API over HTTP: signed requests, stored before they are acknowledged."""

from __future__ import annotations

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
    from starlette.requests import Request
    from starlette.responses import Response

    from rookery.slack.receivers.intake import Intake
    from rookery.slack.receivers.interactions import Interactions
    from rookery_core.http_server import HttpServer

Json = dict[str, Any]
Responder = Callable[[bytes], Awaitable["Response"]]
_MALFORMED = (KeyError, TypeError, ValueError, AttributeError, RecursionError)
MAX_BYTES = 1_000_000
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
BODY_TIMEOUT_S = 10.0
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
        self._server: HttpServer | None = None
        self.port = settings.slack_http_port

    async def start(self) -> None:
        """Listen; `port` is then the port in use. Raises Unavailable when the port is taken."""
        from starlette.applications import Starlette
        from starlette.middleware import Middleware
        from starlette.routing import Route

        from rookery_core.http_server import BufferedBody, ConnectionLimits, HttpServer, listen

        routes = [
            Route(path, partial(self._signed, answer), methods=["POST"])
            for path, answer in (
                ("/slack/events", self._events),
                ("/slack/interactions", self._interaction),
                ("/slack/commands", self._command),
            )
        ]
        application = Starlette(
            routes=[*routes, Route("/health", _health)],
            middleware=[Middleware(BufferedBody, max_bytes=MAX_BYTES)],
        )
        try:
            listening = listen(self._settings.slack_http_host, self.port)
        except OSError as error:
            raise Unavailable(f"Cannot listen on port {self.port}: {error.strerror}.") from None
        self.port = int(listening.getsockname()[1])
        limits = ConnectionLimits(body_s=BODY_TIMEOUT_S, max_body_bytes=MAX_BYTES)
        self._server = HttpServer(application, limits, signals=False)
        await self._server.start(listening)

    async def close(self) -> None:
        """Finish the requests in progress and stop listening."""
        if self._server is not None:
            await self._server.close()
            self._server = None

    async def _signed(self, respond: Responder, request: Request) -> Response:
        """Respond to what Slack signed. Slack sends again what cannot be stored; malformed requests are refused."""
        from starlette.responses import Response

        body = await request.body()
        timestamp = request.headers.get("X-Slack-Request-Timestamp", "")
        signature = request.headers.get("X-Slack-Signature", "")
        if not is_signed(self._secret, body, timestamp, signature, self._clock()):
            logger.warning("a request to %s has no valid signature of Slack", request.url.path)
            return Response(status_code=401)
        try:
            return await respond(body)
        except RookeryError as error:
            logger.warning("a request to %s could not be handled: %s", request.url.path, error)
            return Response(status_code=error.http_status)
        except _MALFORMED as error:
            logger.warning("a request to %s is malformed: %r", request.url.path, error)
            return Response(status_code=400)

    async def _events(self, body: bytes) -> Response:
        from starlette.responses import JSONResponse, Response

        payload = _json(body)
        if payload.get("type") == "url_verification":
            return JSONResponse({"challenge": str(payload.get("challenge", ""))})
        if payload.get("type") == "event_callback":
            await self._intake.store_event(payload)
        return Response(status_code=200)

    async def _interaction(self, body: bytes) -> Response:
        from starlette.responses import JSONResponse, Response

        payload = _json(dict(parse_qsl(body.decode("utf-8", "replace"))).get("payload", "").encode())
        answer = await self._interactions.handle_interaction("interactive", payload)
        return JSONResponse(answer) if answer else Response(status_code=200)

    async def _command(self, body: bytes) -> Response:
        from starlette.responses import JSONResponse, Response

        form = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        if "ssl_check" in form:  # Slack checks the certificate from time to time
            return Response(status_code=200)
        answer = await self._interactions.handle_interaction("slash_commands", form)
        return JSONResponse(answer or {})


def is_signed(secret: str, body: bytes, timestamp: str, signature: str, now: float) -> bool:
    """Whether Slack made this request: its signature is valid and at most MAX_SKEW_S old."""
    import hashlib
    import hmac

    if not _TIMESTAMP.fullmatch(timestamp) or abs(now - int(timestamp)) > MAX_SKEW_S:
        return False
    digest = hmac.new(secret.encode(), b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(f"v0={digest}".encode(), signature.encode(errors="replace"))


async def _health(_request: Request) -> Response:
    from starlette.responses import JSONResponse

    return JSONResponse({"status": "ok"})


def _json(body: bytes) -> Json:
    value: Any = json.loads(body)
    if not isinstance(value, dict):
        raise TypeError("not a JSON object")
    return value  # pyright: ignore[reportUnknownVariableType]
