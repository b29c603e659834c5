"""The command `rookery-github`."""

from __future__ import annotations

import sys

from rookery_core.serving import ServerApp
from rookery_github.server import NAME, build_server
from rookery_github.settings import GitHubSettings

SERVER = ServerApp(
    name=NAME,
    port=8103,
    description="MCP server: GitHub for a language model, in few tokens.",
    settings=GitHubSettings.from_environment,
    build=build_server,
)


def main() -> int:
    """Serve until the client leaves or a signal comes. Returns the exit status."""
    return SERVER.main()


if __name__ == "__main__":
    sys.exit(main())
