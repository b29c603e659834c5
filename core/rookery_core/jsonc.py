"""JSON with comments and trailing commas, as editors write it."""

from __future__ import annotations

import json
import re
from typing import Any

_STRING = r'"(?:\\.|[^"\\\n])*"'
_COMMENT = re.compile(_STRING + r"|//[^\n]*|/\*.*?\*/", re.DOTALL)
_TRAILING_COMMA = re.compile(_STRING + r"|,(?=\s*[}\]])")


def loads(text: str) -> Any:
    """Decode the text. Raises ValueError whose line and column are those of the text as written."""
    without_comments = _COMMENT.sub(lambda match: _blank(match, "/"), text)
    return json.loads(_TRAILING_COMMA.sub(lambda match: _blank(match, ","), without_comments))


def _blank(match: re.Match[str], first: str) -> str:
    """Spaces in place of what JSON does not know; strings and line ends stay."""
    written = match[0]
    return re.sub(r"[^\n]", " ", written) if written.startswith(first) else written
