"""The server itself, for a foreground process or for the background of another program."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Generator
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import uvicorn

from rookery_core.http_server.connections import ConnectionLimits, ConnectionTable, LimitedProtocol
from rookery_core.http_server.requests import CheckedHeaders

if TYPE_CHECKING:
    from starlette.types import ASGIApp

SHUTDOWN_S = 5


def listen(host: str, port: int, *, shared: bool = False, backlog: int | None = None) -> socket.socket:
    """A socket that listens. shared: other processes may listen on the same port. Raises OSError."""
    if backlog is None:
        backlog = ConnectionLimits().backlog
    family, *_, address = socket.getaddrinfo(host.strip("[]") or None, port, type=socket.SOCK_STREAM)[0]
    bound = cast("tuple[str, int]", address[:2])
    try:
        return socket.create_server(bound, family=family, backlog=backlog, reuse_port=shared)
    except OSError as error:
        raise OSError(error.errno, os.strerror(error.errno or 0)) from None  # its text repeats the address


class HttpServer(uvicorn.Server):
    """Serves an ASGI application within limits, until a signal or `close`.

    signals: whether SIGTERM and SIGINT end it. Without, the caller ends it.
    """

    def __init__(
        self, application: ASGIApp, limits: ConnectionLimits | None = None, *, signals: bool = True
    ) -> None:
        limits = limits or ConnectionLimits()
        super().__init__(
            uvicorn.Config(
                CheckedHeaders(application),
                http=cast("Any", partial(LimitedProtocol, table=ConnectionTable(limits))),
                ws="none",
                lifespan="off",
                loop="none",
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                backlog=limits.backlog,
                timeout_keep_alive=max(1, round(limits.keep_alive_s)),
                timeout_graceful_shutdown=SHUTDOWN_S,
            )
        )
        self._takes_signals = signals
        self.signals: list[int] = []
        self._ready = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self, listening: socket.socket) -> None:
        """Serve in the background; returns when connections are accepted."""
        self._task = asyncio.create_task(self.serve([listening]))
        ready = asyncio.create_task(self._ready.wait())
        await asyncio.wait({self._task, ready}, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        if self._task.done():
            self._task.result()

    async def close(self) -> None:
        """Finish the requests in progress and stop listening."""
        self.should_exit = True
        if self._task is not None:
            await self._task

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Let signals end the server, and keep them in `signals` instead of raising them again here."""
        if not self._takes_signals:
            yield
            return
        with super().capture_signals():
            yield
            self.signals = list(self._captured_signals)
            self._captured_signals.clear()
