"""Limits on the connections of an HTTP server: their number, their deadlines, the size of headers."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from rookery_core.errors import InvalidInput, RateLimited, RookeryError
from rookery_core.telemetry import get_logger

if TYPE_CHECKING:
    from uvicorn import Config
    from uvicorn.server import ServerState

logger = get_logger(__name__)
MAX_CONNECTIONS = 1000
MAX_BACKLOG = 512
RETRY_AFTER_S = 1
CLOSING_S = 1.0
"""How long a connection may take to receive its last response."""
_REASONS = {408: "Request Timeout", 431: "Request Header Fields Too Large", 503: "Service Unavailable"}


def max_connections() -> int:
    """Half of the file descriptors that this process may open, and at most MAX_CONNECTIONS."""
    if sys.platform == "win32":
        return MAX_CONNECTIONS
    import resource

    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MAX_CONNECTIONS if descriptors < 0 else max(8, min(MAX_CONNECTIONS, descriptors // 2))


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Deadlines in seconds, sizes in bytes, and the number of open connections of one process."""

    header_s: float = 10.0
    body_s: float = 30.0
    write_s: float = 60.0
    keep_alive_s: float = 30.0
    max_header_bytes: int = 64 * 1024
    max_body_bytes: int = 4 * 1024 * 1024
    max_connections: int = field(default_factory=max_connections)

    @property
    def backlog(self) -> int:
        """How many connections may wait to be accepted. They need descriptors before they can be refused."""
        return max(8, min(MAX_BACKLOG, self.max_connections // 2))


class ConnectionTable:
    """The open connections of a server, and which of them wait for their client, the longest wait first."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self.limits = limits
        self.open: set[LimitedProtocol] = set()
        self.waiting: dict[LimitedProtocol, None] = {}
        self.refused: set[LimitedProtocol] = set()

    def admit(self, connection: LimitedProtocol) -> bool:
        """Count a connection. Where the table is full, the one that has waited longest for its client is closed."""
        if len(self.open) >= self.limits.max_connections:
            if not self.waiting:
                return False
            longest = next(iter(self.waiting))
            self.remove(longest)
            longest.transport.abort()
        self.open.add(connection)
        return True

    def remove(self, connection: LimitedProtocol) -> None:
        self.open.discard(connection)
        self.refused.discard(connection)
        self.waiting.pop(connection, None)


class LimitedProtocol(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 with a deadline for each step of the client."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        table: ConnectionTable,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._table = table
        self._limits = table.limits
        self._deadline: asyncio.TimerHandle | None = None
        self._write_deadline: asyncio.TimerHandle | None = None
        self._is_ending = False
        self._header_bytes: int | None = None  # of the request whose headers arrive; None between requests

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        super().connection_made(transport)
        if self._table.admit(self):
            self._await_client(self._limits.header_s)
        elif len(self._table.refused) < self._limits.backlog:
            self._table.refused.add(self)  # answered with its first bytes: an earlier close would reset it
            self._await_client(CLOSING_S)
            self._table.waiting.pop(self)
        else:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._table.remove(self)
        self._cancel_deadline()
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_ending:
            return
        if self in self._table.refused:
            self._refuse(
                503, RateLimited("The server has too many open connections.", retry_after_s=RETRY_AFTER_S)
            )
            return
        if self._header_bytes is not None:
            self._header_bytes += len(data)  # not those of the read that began the request
        super().data_received(data)
        if self._header_bytes is not None and self._header_bytes > self._limits.max_header_bytes:
            self._refuse(
                431, InvalidInput(f"The headers are larger than {self._limits.max_header_bytes} bytes.")
            )
        elif self._deadline is None and self._is_idle() and not self.transport.is_closing():
            self._await_client(self._limits.header_s)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._header_bytes = 0
        self._await_client(self._limits.header_s)

    def on_headers_complete(self) -> None:
        self._header_bytes = None
        super().on_headers_complete()
        self._await_client(self._limits.body_s)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._cancel_deadline()
        if self._is_idle():
            self._await_client(self._limits.keep_alive_s)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._deadline is None:
            self._await_client(self._limits.keep_alive_s)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._write_deadline = self.loop.call_later(self._limits.write_s, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._write_deadline is not None:
            self._write_deadline.cancel()
            self._write_deadline = None

    def timeout_keep_alive_handler(self) -> None:
        self._close()

    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete  # pyright: ignore[reportUnnecessaryComparison] None at first

    def _await_client(self, seconds: float) -> None:
        self._cancel_deadline()
        self._deadline = self.loop.call_later(seconds, self._end_late)
        self._table.waiting[self] = None

    def _cancel_deadline(self) -> None:
        self._table.waiting.pop(self, None)
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _end_late(self) -> None:
        self._deadline = None
        if self.transport.is_closing():
            self.transport.abort()
            return
        begun = self._header_bytes is not None or not self._is_idle()
        if not begun:
            self._close()
            return
        what = "headers" if self._header_bytes is not None else "body"
        logger.info("closed a connection: the %s of its request did not arrive in time", what)
        self._refuse(408, InvalidInput(f"The {what} of the request did not arrive in time."))

    def _refuse(self, status: int, error: RookeryError) -> None:
        """Respond unless a response has begun, and close."""
        if not self._is_idle() and self.cycle.response_started:
            self.transport.abort()
            return
        body = json.dumps(error.as_answer()).encode()
        retry = f"retry-after: {RETRY_AFTER_S}\r\n" if status == 503 else ""
        head = f"HTTP/1.1 {status} {_REASONS[status]}\r\ncontent-type: application/json\r\n{retry}"
        self.transport.write(
            f"{head}content-length: {len(body)}\r\nconnection: close\r\n\r\n".encode() + body
        )
        if not self._is_idle():
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self._cancel_deadline()
        self._is_ending = (
            True  # what still arrives is read, as a close would reset the connection and lose the response
        )
        self.transport.write_eof()
        self.loop.call_later(CLOSING_S, self.transport.abort)

    def _close(self) -> None:
        self.transport.close()
        self.loop.call_later(CLOSING_S, self.transport.abort)  # its client may not read
