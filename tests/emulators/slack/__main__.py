"""`python -m emulators.slack`: a Slack on this machine, for a person at a terminal or for a bot to connect to."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time

from emulators.slack.chat_window import ChatWindow
from emulators.slack.sample import furnish
from emulators.slack.server import SlackEmulator


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m emulators.slack", description=__doc__)
    parser.add_argument("--port", type=int, default=8065, help="loopback port (default: 8065; 0: any)")
    parser.add_argument("--chat", action="store_true", help="write to the bot in this terminal")
    arguments = parser.parse_args()
    try:
        asyncio.run(serve(arguments.port, chat=arguments.chat))
    except KeyboardInterrupt:
        sys.exit(130)


async def serve(port: int, *, chat: bool) -> None:
    emulator = SlackEmulator(port=port)
    emulator.state.epoch = int(time.time())
    cast = furnish(emulator.state)
    async with emulator:
        print(f"Slack emulator at {emulator.url}. Start the bot in another terminal with:")
        print(f"  ROOKERY_SLACK_API_URL={emulator.api_url} SLACK_BOT_TOKEN={emulator.state.app.bot_token} \\")
        print(f"  SLACK_APP_TOKEN={emulator.state.app.app_token} rookery slack", flush=True)
        if chat:
            await ChatWindow(emulator, cast.ada.id, cast.general.id).run()
        else:
            await asyncio.Event().wait()


if __name__ == "__main__":
    main()
