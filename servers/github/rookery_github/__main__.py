"""`rookery-github`: the server over stdio or HTTP."""

from __future__ import annotations

import sys

from rookery_core.serving import run
from rookery_github.settings import GitHubSettings

PORT = 8103


def main() -> None:
    """Run until the client leaves or a signal comes."""
    from rookery_github.server import build_server

    sys.exit(
        run(
            build_server,  # pyright: ignore[reportArgumentType] the settings are those that `settings` reads
            prog="rookery-github",
            description="GitHub for a language model, in few tokens.",
            default_port=PORT,
            settings=GitHubSettings.from_environment,
        )
    )


if __name__ == "__main__":
    main()
