"""One cursor idiom for every tool: opaque to the caller, versioned, refused when it is not ours."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from rookery_core.errors import InvalidInput

_VERSION = "c1."
_MAX_LENGTH = 4096


def encode(position: dict[str, Any]) -> str:
    """An opaque cursor for a position. Values are what JSON can hold."""
    data = json.dumps(position, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
    return _VERSION + base64.urlsafe_b64encode(data).decode().rstrip("=")


def decode(cursor: str) -> dict[str, Any]:
    """The position a cursor stands for. Raises InvalidInput for anything that `encode` did not make."""
    try:
        if not cursor.startswith(_VERSION) or len(cursor) > _MAX_LENGTH:
            raise ValueError("not a cursor of this version")
        body = cursor[len(_VERSION) :]
        position = json.loads(base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True))
        if not isinstance(position, dict):
            raise ValueError("not a position")  # noqa: TRY004 caught below with the other reasons
    except (ValueError, binascii.Error, RecursionError):
        raise InvalidInput(
            "cursor: not a cursor of this server.",
            hint="Pass next_cursor of the previous answer unchanged, with the same other arguments, or leave it out.",
        ) from None
    return position  # pyright: ignore[reportUnknownVariableType] keys of a JSON object are strings
