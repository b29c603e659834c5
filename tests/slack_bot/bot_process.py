"""Bots as processes of their own, to be killed: `python -m slack_bot.bot_process` begets one for each line of JSON.

It imports everything once and forks, so that a test that kills bots has the next at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emulators.slack import SlackEmulator
from rookery.models.protocol import ToolUse
from rookery.slack.app import run
from rookery.slack.settings import BotSettings
from slack_bot.scripted import ScriptedModel, calling

TESTS = Path(__file__).resolve().parents[1]


def main() -> None:
    """Beget a bot for each line; tell its process id, and when it is gone."""
    import anthropic  # noqa: F401  # pyright: ignore[reportUnusedImport]
    import slack_sdk.socket_mode.aiohttp  # noqa: F401  # pyright: ignore[reportUnusedImport]

    signal.signal(signal.SIGCHLD, _bury)
    _tell("ready", 0)
    for line in iter(sys.stdin.readline, ""):
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            sys.stdin.close()
            _live(json.loads(line))
        _tell("born", child)


def _bury(*_: object) -> None:
    with contextlib.suppress(ChildProcessError):
        while (gone := os.waitpid(-1, os.WNOHANG)[0]) != 0:
            _tell("gone", gone)


def _tell(word: str, number: int) -> None:
    os.write(1, f"{word} {number}\n".encode())


def _live(orders: dict[str, Any]) -> None:
    """Be a bot. words: a scripted model gives an answer of that length; without it the settings name the model.

    file: the model's first step is to share a file of that name.
    """
    words: int | None = orders.get("words")
    model = words and ScriptedModel(
        answer=lambda question: f"Answer to ({question}). " + "More of it follows here. " * words, pieces=4
    )
    if model and (name := orders.get("file")):
        model.steps.append(calling(ToolUse("1", "share_file", {"name": name, "content": "a,b\n1,2\n"})))
    try:
        asyncio.run(_run(BotSettings(**orders["settings"]), {"model": model} if model else {}))
    finally:
        os._exit(0)


async def _run(settings: BotSettings, options: dict[str, Any]) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await run(settings, stop, **options)


@dataclass
class BotProcess:
    """One bot."""

    pid: int
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    async def kill(self) -> None:
        """kill -9."""
        self._signal(signal.SIGKILL)
        await asyncio.wait_for(self.gone.wait(), 30)

    def pause(self) -> None:
        """As a machine that is out of memory, or a laptop that is shut, would."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            if not self.gone.is_set():
                os.kill(self.pid, number)


class Nursery:
    """Begets bots, and ends with all of them."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._born: asyncio.Queue[int] = asyncio.Queue()
        self._bots: dict[int, BotProcess] = {}

    async def bot(self, settings: BotSettings, **orders: Any) -> BotProcess:
        """A bot with these settings; see `_live` for what else can be ordered."""
        assert self._process.stdin is not None
        line = json.dumps({"settings": plain(settings), **orders})
        self._process.stdin.write(line.encode() + b"\n")
        await self._process.stdin.drain()
        return self._bots[await asyncio.wait_for(self._born.get(), 30)]

    async def listen(self, ready: asyncio.Event) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            word, number = line.decode().split()
            if word == "ready":
                ready.set()
            elif word == "born":
                self._bots[int(number)] = BotProcess(int(number))
                self._born.put_nowait(int(number))
            else:
                self._bots[int(number)].gone.set()

    async def close(self) -> None:
        for bot in self._bots.values():
            await bot.kill()
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()


@asynccontextmanager
async def open_nursery() -> AsyncGenerator[Nursery]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "slack_bot.bot_process",
        cwd=TESTS,
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL if "BOT_STDERR" not in os.environ else None,
    )
    nursery, ready = Nursery(process), asyncio.Event()
    listening = asyncio.create_task(nursery.listen(ready))
    try:
        await asyncio.wait_for(ready.wait(), 60)
        yield nursery
    finally:
        await nursery.close()
        await listening


def plain(settings: BotSettings) -> dict[str, Any]:
    """Settings as JSON, secrets included: they are the emulator's."""
    shape: dict[str, Any] = {}
    for name, value in settings:
        if hasattr(value, "get_secret_value"):
            value = value.get_secret_value()
        shape[name] = str(value) if isinstance(value, Path) else value
    return shape


async def wait_for_socket(slack: SlackEmulator, count: int = 1, timeout: float = 30.0) -> None:
    await slack.state.wait_for(lambda: len(slack.sockets.sockets) >= count, timeout)


if __name__ == "__main__":
    main()
