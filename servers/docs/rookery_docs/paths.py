"""The names along a page's path."""

from __future__ import annotations

import re

_SUFFIX = re.compile(r"(?:/index|/readme)?\.\w{1,8}$", re.IGNORECASE)


def names_of(path: str) -> list[str]:
    """Its folders and its file, without the file's suffix; an index or readme goes by its folder."""
    return _SUFFIX.sub("", path).split("/")
