"""`rookery slack`: answer in Slack."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys

from rookery.commands.options import Subparsers, add_parser

_EPILOG = """\
Needs a Slack app (rookery slack --manifest prints what to paste) and its tokens in SLACK_BOT_TOKEN and
SLACK_APP_TOKEN. Any number of copies share the work. docs/slack-bot.md leads through the set-up.

examples:
  rookery slack                       listen over Socket Mode and answer
  rookery slack --http --port 3000    listen for signed requests instead (needs SLACK_SIGNING_SECRET)
  rookery slack --manifest            print the manifest of the Slack app

exit status: 0 stopped by a signal; 2 settings must be changed; 69 Slack or the database not reachable.
"""


def add_commands(subparsers: Subparsers) -> None:
    """Add `slack` to a command line."""
    parser = add_parser(subparsers, "slack", "answer in Slack", _EPILOG)
    parser.add_argument("--http", action="store_true", help="the Events API over HTTP instead of Socket Mode")
    parser.add_argument("--host", help="where --http listens (ROOKERY_SLACK_HTTP_HOST, default 127.0.0.1)")
    parser.add_argument(
        "--port", type=int, help="where --http listens (ROOKERY_SLACK_HTTP_PORT, default 3000)"
    )
    parser.add_argument("--workers", type=int, help="questions at once (ROOKERY_SLACK_WORKERS, default 8)")
    parser.add_argument(
        "--manifest", action="store_true", help="print the manifest of the Slack app and exit"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the bot until SIGTERM or SIGINT."""
    if arguments.manifest:
        from importlib.resources import files

        print(files("rookery.slack").joinpath("manifest.yaml").read_text("utf-8"), end="")
        return 0
    asyncio.run(_run(arguments))
    return 0


async def _run(arguments: argparse.Namespace) -> None:
    from rookery.slack.app import run as run_bot
    from rookery.slack.settings import BotSettings
    from rookery_core.telemetry import configure_telemetry

    given = {
        "slack_http_host": arguments.host,
        "slack_http_port": arguments.port,
        "workers": arguments.workers,
    }
    settings = BotSettings.from_environment(
        **{name: value for name, value in given.items() if value is not None}
    )
    configure_telemetry(settings)
    stop, listening = asyncio.Event(), asyncio.Event()

    def announce(text: str) -> None:
        listening.set()
        _say(text)

    running = asyncio.create_task(run_bot(settings, stop, over_http=arguments.http, announce=announce))

    def on_signal() -> None:
        # Before it listens there is nothing to finish. At the second signal what runs is given back, for another
        # copy or the next start.
        if stop.is_set() or not listening.is_set():
            running.cancel()
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    with contextlib.suppress(asyncio.CancelledError):
        await running


def _say(text: str) -> None:
    print(f"rookery slack: {text}; Ctrl-C stops it", file=sys.stderr, flush=True)
