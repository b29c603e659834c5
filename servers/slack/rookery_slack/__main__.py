"""The command `rookery-slack`."""

from __future__ import annotations

import sys

from rookery_core.serving import run
from rookery_slack.server import NAME, build
from rookery_slack.settings import SlackSettings


def main() -> int:
    """Serve until the client leaves. Returns the exit status."""
    return run(
        build,  # pyright: ignore[reportArgumentType] it is given what `settings` reads
        prog=NAME,
        description="MCP server: what was said in Slack, found and cited.",
        default_port=8101,
        settings=SlackSettings.from_environment,
    )


if __name__ == "__main__":
    sys.exit(main())
