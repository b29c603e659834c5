"""The command `rookery-memory`: serves, or runs an operator's command."""

from __future__ import annotations

import sys

from rookery_core.serving import ServerApp
from rookery_memory.server import NAME, build_server
from rookery_memory.settings import MemorySettings

SERVER = ServerApp(
    name=NAME,
    port=8104,
    description=(
        "MCP server: long-term memory, and the event queue as tools.\n"
        "rookery-memory {export,import,merge,erase,subscribe} operates it: see rookery-memory COMMAND --help."
    ),
    settings=MemorySettings.from_environment,
    build=build_server,
)


def main() -> int:
    """Serve until the client leaves, or run the command that is named. Returns the exit status."""
    if len(sys.argv) > 1 and not sys.argv[1].startswith("-"):
        from rookery_memory.commands import run_command

        return run_command(sys.argv[1:])
    return SERVER.main()


if __name__ == "__main__":
    sys.exit(main())
