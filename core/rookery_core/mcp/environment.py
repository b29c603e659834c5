"""Which of our environment variables a server's process receives: as few as possible."""

from __future__ import annotations

import os
from collections.abc import Mapping

_SHARED = (
    "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "TEMP", "TMP", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy",
    "https_proxy", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "SYSTEMROOT",
)  # fmt: skip
"""Locale, time zone, temporary folders and proxies: every server needs them."""

_OURS = ("DATABASE_URL", "XDG_DATA_HOME", "LOCALAPPDATA", "APPDATA", "VIRTUAL_ENV")
_OUR_PREFIXES = ("ROOKERY_", "OPENAI_", "OTEL_", "PG")
_GITHUB = "GITHUB_"
_OF_ONE_SERVER = ("ROOKERY_TOOLS", "ROOKERY_EXCLUDE")
"""Names of tools differ between servers: mcp.json gives these to the server that they are meant for."""


def foreign_environment(
    env: Mapping[str, str], environment: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """The environment of a foreign server: what mcp.json gives it, plus locale, temporary folders and proxies."""
    return {**{name: environment[name] for name in _SHARED if name in environment}, **env}


def own_environment(
    name: str,
    env: Mapping[str, str],
    environment: Mapping[str, str] = os.environ,
) -> dict[str, str]:
    """The environment of a server of this installation: also the database and Rookery's settings.

    Tokens of Slack and Anthropic are never passed on; GitHub's goes to the GitHub server only.
    """
    prefixes = (*_OUR_PREFIXES, _GITHUB) if name == "github" else _OUR_PREFIXES
    ours = {
        key: value
        for key, value in environment.items()
        if (key in _OURS or key.startswith(prefixes)) and key not in _OF_ONE_SERVER
    }
    return {**foreign_environment({}, environment), **ours, **env}
