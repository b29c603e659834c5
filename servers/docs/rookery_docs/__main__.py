"""The command `rookery-docs`."""

from __future__ import annotations

import os
import sys
from typing import cast

from rookery_core.serving.commandline import BuiltServer, ServeArguments, run
from rookery_core.settings import CoreSettings
from rookery_docs.server import NAME, build
from rookery_docs.settings import DocsSettings

PORT = 8102


def main() -> int:
    """Serve until the client leaves or a signal comes. Returns the exit status."""
    # One search multiplies a small matrix; threads for that only take the cores from other searches.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

    def built(settings: CoreSettings, arguments: ServeArguments) -> BuiltServer:
        return build(cast(DocsSettings, settings), arguments)

    return run(
        built,
        prog=NAME,
        description="MCP server: documentation search with exact links.",
        default_port=PORT,
        settings=DocsSettings.from_environment,
    )


if __name__ == "__main__":
    sys.exit(main())
