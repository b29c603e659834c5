"""Ids of places in a page: which of them say something."""

from __future__ import annotations

import re

_GENERATED = re.compile(r"^(?:id|idm|idp|ftn\.)[-.]?\d|^[0-9a-f]{16,}$")


def is_generated(anchor: str) -> bool:
    """Whether an id was numbered by a tool: it can be linked to, but says nothing and changes between versions."""
    return bool(_GENERATED.match(anchor))
