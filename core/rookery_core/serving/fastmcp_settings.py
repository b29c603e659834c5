"""Defaults for the settings that FastMCP reads when it is imported: no banner, no log colours, no request for updates."""

from __future__ import annotations

import os

_SETTINGS = {
    "FASTMCP_CHECK_FOR_UPDATES": "off",
    "FASTMCP_ENABLE_RICH_LOGGING": "false",
    "FASTMCP_ENV_FILE": os.devnull,  # otherwise it reads the .env of the working directory
    "FASTMCP_MCP_CAMELCASE_COMPAT": "false",
    "FASTMCP_SHOW_SERVER_BANNER": "false",
}


def set_defaults() -> None:
    """Set each setting that the environment does not set. Call it before `import fastmcp`."""
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
