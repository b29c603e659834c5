"""The command `rookery-slack`."""

from __future__ import annotations

import sys

from rookery_core.serving import ServerApp
from rookery_slack.server import NAME, build_server
from rookery_slack.settings import SlackSettings

SERVER = ServerApp(
    name=NAME,
    port=8101,
    description="MCP server: what was said in Slack, with exact links.",
    settings=SlackSettings.from_environment,
    build=build_server,
)


def main() -> int:
    """Serve until the client leaves or a signal comes. Returns the exit status."""
    return SERVER.main()


if __name__ == "__main__":
    sys.exit(main())
