"""`python -m emulators.slack`: a Slack on this machine, for a person at a terminal or for a bot to connect to."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from emulators.slack.chat_window import ChatWindow
from emulators.slack.sample import furnish
from emulators.slack.server import SlackEmulator


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m emulators.slack", description=__doc__)
    parser.add_argument("--port", type=int, default=8065, help="loopback port (default: 8065; 0: any)")
    parser.add_argument("--chat", action="store_true", help="write to the bot in this terminal")
    parser.add_argument("--bot", action="store_true", help="start `rookery slack` beside it, connected")
    parser.add_argument(
        "--bot-log", default=None, help="where the bot's log goes (default: a temporary file)"
    )
    arguments = parser.parse_args()
    log: str | None = arguments.bot_log
    if arguments.bot and log is None:
        log = str(Path(tempfile.mkdtemp(prefix="rookery-bot-")) / "bot.log")
    try:
        asyncio.run(serve(arguments.port, chat=arguments.chat, bot_log=log if arguments.bot else None))
    except KeyboardInterrupt:
        sys.exit(130)


async def serve(port: int, *, chat: bool, bot_log: str | None) -> None:
    emulator = SlackEmulator(port=port)
    emulator.state.epoch = int(time.time())
    cast = furnish(emulator.state)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(emulator)
        variables = {
            "ROOKERY_SLACK_API_URL": emulator.api_url,
            "SLACK_BOT_TOKEN": emulator.state.app.bot_token,
            "SLACK_APP_TOKEN": emulator.state.app.app_token,
            "ROOKERY_SLACK_ADMINS": cast.ada.id,
        }
        ended: asyncio.Task[int] | None = None
        if bot_log is not None:
            ended = await stack.enter_async_context(bot(variables, bot_log))
        else:
            print(f"A Slack of this machine at {emulator.url}. Start the bot in another terminal with:")
            print(
                "  " + " ".join(f"{name}={value}" for name, value in variables.items()) + " rookery slack",
                flush=True,
            )
        window = ChatWindow(emulator, cast.ada.id, cast.general.id)
        shown = asyncio.ensure_future(window.run() if chat else asyncio.Event().wait())
        await asyncio.wait([shown, *([ended] if ended else [])], return_when=asyncio.FIRST_COMPLETED)
        if not shown.done() and bot_log is not None:
            shown.cancel()
            sys.exit(f"the bot ended:\n{Path(bot_log).read_text(encoding='utf-8')[-2000:]}")


@asynccontextmanager
async def bot(variables: dict[str, str], log: str) -> AsyncGenerator[asyncio.Task[int]]:
    """`rookery slack` of this environment as a child process; yields what is done when that has ended."""
    with open(log, "ab") as out:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "rookery",
            "slack",
            env={**os.environ, **variables},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
    ended = asyncio.create_task(process.wait())
    try:
        yield ended
    finally:
        if process.returncode is None:
            process.terminate()
        await ended


if __name__ == "__main__":
    main()
