"""The command `rookery-memory`: serves, or exports, imports, merges and erases."""

from __future__ import annotations

import sys
from typing import cast

from rookery_core.serving.commandline import BuiltServer, ServeArguments, run
from rookery_core.settings import CoreSettings
from rookery_memory.server import NAME, build
from rookery_memory.settings import MemorySettings

PORT = 8104


def main() -> int:
    """Serve until the client leaves, or run the command that is named. Returns the exit status."""
    if len(sys.argv) > 1 and not sys.argv[1].startswith("-"):
        from rookery_memory.commands import run_command

        return run_command(sys.argv[1:])

    def built(settings: CoreSettings, arguments: ServeArguments) -> BuiltServer:
        return build(cast(MemorySettings, settings), arguments)

    return run(
        built,
        prog=NAME,
        description=(
            "MCP server: long-term memory, and the event queue as tools.\n"
            "rookery-memory {export,import,merge,erase} operates the memory: see rookery-memory COMMAND --help."
        ),
        default_port=PORT,
        settings=MemorySettings.from_environment,
    )


if __name__ == "__main__":
    sys.exit(main())
