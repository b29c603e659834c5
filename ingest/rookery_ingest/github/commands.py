"""`rookery-ingest github …`: what GitHub tells by itself."""

from __future__ import annotations

import argparse

from rookery_core.console import run_configured

_Subparsers = argparse._SubParsersAction  # pyright: ignore[reportPrivateUsage] argparse has no public name for it
PORT = 8410
_EPILOG = f"""\
examples:
  ROOKERY_GITHUB_WEBHOOK_SECRET=… rookery-ingest github listen
  rookery-ingest github listen --subscribe bot     keep events for the subscription `bot` of topic github

On GitHub the webhook's address is https://YOUR-HOST/github/webhook (a proxy with TLS in front of port {PORT}).
"""


def add_commands(subparsers: _Subparsers[argparse.ArgumentParser]) -> None:
    """Add `github` to a command line. The parsed arguments then have `run`: call it with them for the exit status."""
    parser = subparsers.add_parser(
        "github", help="receive GitHub's webhooks", description="Receive what GitHub tells by itself."
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listen = actions.add_parser(
        "listen",
        help="take signed deliveries into the event queue",
        description="Take signed webhook deliveries into the event queue (topic github), each once, and have what the "
        "GitHub server cached about them asked for again.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    listen.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    listen.add_argument("--port", type=int, default=PORT, help=f"port (default: {PORT})")
    listen.add_argument("--subscribe", metavar="NAME", help="make this subscription of topic github first")
    listen.set_defaults(run=_listen)


def _listen(arguments: argparse.Namespace) -> int:
    from rookery_ingest.github.listener import listen
    from rookery_ingest.github.settings import WebhookSettings

    return run_configured(
        "rookery-ingest github listen",
        WebhookSettings.from_environment,
        lambda settings: listen(settings, arguments.host, arguments.port, arguments.subscribe),
    )
