"""A bot as a process of its own, to be killed: `python -m slack_bot.bot_process`, told what to do by a line of JSON.

It imports everything first and says "ready", so that a test that kills one has the next at hand.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emulators.slack import SlackEmulator
from rookery.models.protocol import Listener, ModelOverloaded, ModelReply, ModelRequest
from rookery.slack.app import run
from rookery.slack.settings import SlackSettings
from slack_bot.scripted import ScriptedModel

TESTS = Path(__file__).resolve().parents[1]


@dataclass
class Unreliable(ScriptedModel):
    """Answers as ScriptedModel does, except that a share of its replies fail or break off in the middle."""

    failures: float = 0.0
    chance: random.Random = field(default_factory=random.Random)

    async def reply(self, request: ModelRequest, listener: Listener) -> ModelReply:
        lot = self.chance.random()
        if lot < self.failures / 2:
            raise ModelOverloaded()
        if lot < self.failures:
            await listener.text("This answer will never be finished, because the model breaks off. " * 4)
            raise ModelOverloaded()
        return await super().reply(request, listener)


def main() -> None:
    print("ready", flush=True)
    orders: dict[str, Any] = json.loads(sys.stdin.readline())
    long = orders.get("words", 40)
    model = Unreliable(
        answer=lambda question: f"Answer to ({question}). " + "More of it follows here. " * long,
        pieces=orders.get("pieces", 4),
        failures=orders.get("failures", 0.0),
        chance=random.Random(os.getpid()),
    )
    asyncio.run(_run(SlackSettings(**orders["settings"]), model))


async def _run(settings: SlackSettings, model: ScriptedModel) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await run(settings, stop, model=model)


class BotProcess:
    """Starts, orders and kills one."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    @classmethod
    async def prepare(cls) -> BotProcess:
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
        return cls(process)

    async def begin(self, settings: SlackSettings, **orders: Any) -> None:
        """Let it run with these settings, once it is ready."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        await asyncio.wait_for(self.process.stdout.readline(), 30)
        line = json.dumps({"settings": plain(settings), **orders})
        self.process.stdin.write(line.encode() + b"\n")
        await self.process.stdin.drain()

    async def kill(self) -> None:
        """kill -9."""
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()
        if self.process.stdin is not None:
            self.process.stdin.close()
        transport: Any = getattr(self.process, "_transport", None)
        if transport is not None:
            transport.close()


def plain(settings: SlackSettings) -> dict[str, Any]:
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
