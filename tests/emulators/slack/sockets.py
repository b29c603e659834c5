"""Socket Mode: sockets, envelopes, acknowledgements, redelivery, refresh.

An envelope goes to exactly one socket of the app. When no acknowledgement comes in time, or its socket closes
first, it is delivered again, with retry_attempt and retry_reason, three times as Slack does.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import deque
from dataclasses import dataclass, field

from aiohttp import WSMsgType, web

from emulators.slack.models import Json
from emulators.slack.web import EMULATOR


@dataclass
class Envelope:
    """One delivery. `acked` holds the payload of the acknowledgement (of a slash command, of a view)."""

    id: str
    kind: str
    payload: Json
    accepts_response: bool
    acked: asyncio.Future[Json]
    attempt: int = 0
    reason: str = ""
    timer: asyncio.TimerHandle | None = None
    socket: Socket | None = None
    deliveries: int = 0
    lost: bool = False

    def wire(self) -> Json:
        shape: Json = {
            "envelope_id": self.id,
            "type": self.kind,
            "payload": self.payload,
            "accepts_response_payload": self.accepts_response,
        }
        if self.kind == "events_api":
            shape.update(retry_attempt=self.attempt, retry_reason=self.reason)
        return shape


@dataclass(eq=False)
class Socket:
    """One WebSocket of the app; what is sent leaves in order."""

    ws: web.WebSocketResponse
    outbox: asyncio.Queue[Json] = field(default_factory=asyncio.Queue[Json])
    leaving: bool = False

    async def write(self) -> None:
        while True:
            message = await self.outbox.get()
            with contextlib.suppress(ConnectionError):
                await self.ws.send_str(json.dumps(message))


@dataclass
class SocketHub:
    ack_timeout_s: float = 3.0
    most_retries: int = 3
    sockets: list[Socket] = field(default_factory=list[Socket])
    waiting: deque[Envelope] = field(default_factory=deque[Envelope])
    unacked: dict[str, Envelope] = field(default_factory=dict[str, Envelope])
    delivered: list[Envelope] = field(default_factory=list[Envelope])
    connections: int = 0
    refusals: int = 0
    """How many of the next connections end before they begin; their tickets are spent all the same."""
    _turn: int = 0
    _serial: int = 0
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def send(self, kind: str, payload: Json, *, accepts_response: bool = False) -> Envelope:
        """Deliver to one socket, now or when there is one."""
        self._serial += 1
        acked: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        envelope = Envelope(f"envelope-{self._serial}", kind, payload, accepts_response, acked)
        self.delivered.append(envelope)
        self._deliver(envelope)
        return envelope

    def _deliver(self, envelope: Envelope) -> None:
        open_sockets = [socket for socket in self.sockets if not socket.leaving]
        if not open_sockets:
            self.waiting.append(envelope)
            return
        self._turn += 1
        envelope.socket = open_sockets[self._turn % len(open_sockets)]
        envelope.deliveries += 1
        self.unacked[envelope.id] = envelope
        loop = asyncio.get_running_loop()
        envelope.timer = loop.call_later(self.ack_timeout_s, self._again, envelope, "timeout")
        envelope.socket.outbox.put_nowait(envelope.wire())

    def _again(self, envelope: Envelope, reason: str) -> None:
        self.unacked.pop(envelope.id, None)
        if envelope.timer:
            envelope.timer.cancel()
        if envelope.attempt >= self.most_retries:
            envelope.lost = True
            return
        envelope.attempt, envelope.reason = envelope.attempt + 1, reason
        self._deliver(envelope)

    def duplicate(self, envelope: Envelope) -> Envelope:
        """Deliver the same event a second time, as happens when an acknowledgement comes too late."""
        again = self.send(envelope.kind, envelope.payload, accepts_response=envelope.accepts_response)
        again.attempt, again.reason = 1, "timeout"
        return again

    def acknowledge(self, message: Json) -> None:
        envelope = self.unacked.pop(str(message.get("envelope_id")), None)
        if envelope is None:
            return
        if envelope.timer:
            envelope.timer.cancel()
        if not envelope.acked.done():
            envelope.acked.set_result(message.get("payload") or {})

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """One connection, from hello to its end."""
        emulator = request.app[EMULATOR]
        if request.query.get("ticket") not in emulator.tickets:
            raise web.HTTPForbidden(text="unknown ticket")
        emulator.tickets.discard(request.query["ticket"])
        if self.refusals > 0:
            self.refusals -= 1
            raise web.HTTPServiceUnavailable
        ws = web.WebSocketResponse(autoping=True)
        await ws.prepare(request)
        socket = Socket(ws)
        writer = asyncio.create_task(socket.write())
        self._join(socket, emulator.state.app.id)
        emulator.state.changed()
        try:
            async for message in ws:
                if message.type == WSMsgType.TEXT:
                    self.acknowledge(json.loads(message.data))
                    emulator.state.changed()
        finally:
            writer.cancel()
            self._leave(socket)
            emulator.state.changed()
        return ws

    def _join(self, socket: Socket, app_id: str) -> None:
        self.sockets.append(socket)
        self.connections += 1
        hello: Json = {
            "type": "hello",
            "num_connections": len(self.sockets),
            "debug_info": {"host": "emulator", "build_number": 1, "approximate_connection_time": 3600},
            "connection_info": {"app_id": app_id},
        }
        socket.outbox.put_nowait(hello)
        self._arrived.set()
        while self.waiting:
            self._deliver(self.waiting.popleft())

    def _leave(self, socket: Socket) -> None:
        self.sockets.remove(socket)
        if not self.sockets:
            self._arrived.clear()
        for envelope in [held for held in self.unacked.values() if held.socket is socket]:
            self._again(envelope, "connection_closed")

    async def connected(self, timeout: float = 10.0) -> None:
        """Return once the app holds a socket."""
        async with asyncio.timeout(timeout):
            await self._arrived.wait()

    def refresh(self, reason: str = "refresh_requested") -> None:
        """Ask every socket to connect anew, as Slack does every few hours."""
        for socket in self.sockets:
            socket.leaving = True
            socket.outbox.put_nowait(
                {"type": "disconnect", "reason": reason, "debug_info": {"host": "emulator"}}
            )

    async def drop(self) -> None:
        """Break every connection without a word."""
        for socket in list(self.sockets):
            socket.leaving = True
            await socket.ws.close()
