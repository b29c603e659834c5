"""The command `rookery-docs`."""

from __future__ import annotations

import os
import sys

from rookery_core.serving import ServerApp
from rookery_docs.server import NAME, build_server
from rookery_docs.settings import DocsSettings

# A search multiplies one small matrix; more threads for that only take cores from other searches.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

SERVER = ServerApp(
    name=NAME,
    port=8102,
    description="MCP server: documentation search with exact links.",
    settings=DocsSettings.from_environment,
    build=build_server,
)


def main() -> int:
    """Serve until the client leaves or a signal comes. Returns the exit status."""
    return SERVER.main()


if __name__ == "__main__":
    sys.exit(main())
