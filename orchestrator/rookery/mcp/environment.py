"""What a server's process gets to see of our environment: little, and on purpose."""

from __future__ import annotations

import os
from collections.abc import Mapping

_EVERYBODY = (
    "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "TEMP", "TMP", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy",
    "https_proxy", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "SYSTEMROOT",
)  # fmt: skip
"""Locale, time zone, folders for temporary files, and how the network is reached: no server works well without."""

_OURS = ("DATABASE_URL", "XDG_DATA_HOME", "LOCALAPPDATA", "APPDATA", "VIRTUAL_ENV")
_OUR_PREFIXES = ("ROOKERY_", "OPENAI_", "OTEL_", "PG")
_GITHUB = "GITHUB_"


def for_foreign(env: Mapping[str, str], environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment of somebody else's server: what mcp.json gives it, and how to reach the network."""
    return {**{name: environment[name] for name in _EVERYBODY if name in environment}, **env}


def for_own(
    name: str,
    env: Mapping[str, str],
    environment: Mapping[str, str] = os.environ,
) -> dict[str, str]:
    """The environment of one of our servers: also the database and Rookery's settings.

    The tokens of Slack and of the models stay here; GitHub's goes to the GitHub server only.
    """
    prefixes = (*_OUR_PREFIXES, _GITHUB) if name == "github" else _OUR_PREFIXES
    ours = {key: value for key, value in environment.items() if key in _OURS or key.startswith(prefixes)}
    return {**for_foreign({}, environment), **ours, **env}
