"""A server that sends exactly the bytes of a script: for wire shapes that no well-behaved API would send."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web


@dataclass(frozen=True, slots=True)
class Answer:
    """status and headers go first. hold: the connection then stays open, with `beat` sent again and again."""

    body: bytes
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    hold: bool = False
    beat: bytes = b""


def events(*data: dict[str, Any] | str, named: bool = False) -> bytes:
    """Server-sent events. named: each with the name that its `type` says, as Anthropic's are."""
    parts: list[str] = []
    for one in data:
        name = f"event: {one['type']}\n" if named and isinstance(one, dict) else ""
        parts.append(f"{name}data: {one if isinstance(one, str) else json.dumps(one)}\n\n")
    return "".join(parts).encode()


@dataclass(slots=True)
class RawServer:
    """Answers in turn, the last one again and again. `left` is set when whoever asked has gone away."""

    answers: Sequence[Answer]
    bodies: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    left: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""
    _runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_post("/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner:
            await self._runner.cleanup()

    async def _handle(self, http: web.Request) -> web.StreamResponse:
        self.bodies.append(await http.json())
        answer = self.answers[min(len(self.bodies), len(self.answers)) - 1]
        kind = "text/event-stream" if answer.status == 200 else "application/json"
        response = web.StreamResponse(
            status=answer.status, headers={"Content-Type": kind, **dict(answer.headers)}
        )
        await response.prepare(http)
        await response.write(answer.body)
        while answer.hold:
            await asyncio.sleep(0.02)
            if http.transport is None or http.transport.is_closing():
                self.left.set()
                break
            if answer.beat:
                await response.write(answer.beat)
        return response
