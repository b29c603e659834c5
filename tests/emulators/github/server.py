"""Runs the emulator on a port of the loopback interface, in a thread of its own."""

from __future__ import annotations

import asyncio
import re
import socket
import threading
from typing import Self

import uvicorn

from emulators.github.application import GitHubApplication
from emulators.github.faults import Fault
from emulators.github.world import World


class Emulator:
    """A running emulator. `url` is its API's address; `requests` what it was asked, as (method, path, status)."""

    def __init__(self, world: World, *, port: int = 0) -> None:
        self.world = world
        self.application = GitHubApplication(world)
        self._port = port
        self._server = uvicorn.Server(
            uvicorn.Config(
                self.application.asgi,
                host="127.0.0.1",
                port=port,
                interface="asgi3",
                log_level="critical",
                lifespan="off",
                ws="none",
            )
        )
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="github-emulator", daemon=True)
        self._started = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def requests(self) -> list[tuple[str, str, int]]:
        return self.application.log

    def reset(self, world: World) -> None:
        """Serve another world from now on, with nothing asked, nothing used and nothing failing yet."""
        for fault in self.application.faults:
            self.release(fault)
        self.world = world
        self.application.reset(world)

    def fail(self, fault: Fault) -> Fault:
        """Let the next requests that match fail."""
        self.application.faults.append(fault)
        return fault

    def release(self, fault: Fault) -> None:
        """Let the requests that a slow fault holds go on."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(fault.release.set)

    def asked(self, pattern: str, status: int | None = None) -> int:
        """How many requests matched `METHOD path` (and had that status)."""
        return sum(
            re.search(pattern, f"{method} {path}") is not None and status in (None, answered)
            for method, path, answered in self.requests
        )

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._started.wait(30):
            raise RuntimeError("the GitHub emulator did not start")
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        # With its protocol named, asyncio switches Nagle's algorithm off, which would cost 40 ms an answer.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self._port))
        self._port = listener.getsockname()[1]
        serving = asyncio.create_task(self._server.serve(sockets=[listener]))
        while not self._server.started and not serving.done():
            await asyncio.sleep(0.005)
        self._started.set()
        await serving
