"""FastMCP reads its own settings when it is imported; these keep a user's terminal and network to ourselves."""

from __future__ import annotations

import os

_SETTINGS = {
    "FASTMCP_CHECK_FOR_UPDATES": "off",
    "FASTMCP_ENABLE_RICH_LOGGING": "false",
    "FASTMCP_ENV_FILE": os.devnull,  # otherwise it reads any .env of the folder it was started in
    "FASTMCP_MCP_CAMELCASE_COMPAT": "false",
    "FASTMCP_SHOW_SERVER_BANNER": "false",
}


def silence_fastmcp() -> None:
    """Set FastMCP's settings where the environment has none. Must run before `import fastmcp`."""
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
