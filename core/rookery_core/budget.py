"""Answers have a size. Tokens are estimated without any model's tokenizer, on the safe side for prose."""

from __future__ import annotations

import json
import re
from typing import Any

_WIDE = re.compile(
    r"[\u1100-\u11ff\u2e80-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\U0001f000-\U0001faff\U00020000-\U0003ffff]"
)
CHARACTERS_PER_TOKEN = 4


def estimate_tokens(text: str) -> int:
    """Tokens that `text` costs, about: a token for four characters, one for each of a script without spaces."""
    wide = 0 if text.isascii() else len(_WIDE.findall(text))
    return wide + -(-(len(text) - wide) // CHARACTERS_PER_TOKEN)


def estimate_tokens_of(value: Any) -> int:
    """Tokens that a value costs once it is written as compact JSON."""
    return estimate_tokens(json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str))


def clip(text: str, max_tokens: int) -> tuple[str, int]:
    """The beginning of `text` that fits into `max_tokens`, and how many tokens are left out (0: it fits whole).

    Cuts at a line's end, else at a space, where one is near; never inside a surrogate or a combining sequence.
    """
    total = estimate_tokens(text)
    if total <= max_tokens:
        return text, 0
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if estimate_tokens(text[:middle]) <= max_tokens:
            low = middle
        else:
            high = middle - 1
    cut = _at_a_boundary(text, low)
    return text[:cut], total - estimate_tokens(text[:cut])


def _at_a_boundary(text: str, end: int) -> int:
    near = max(0, end - 200)
    for separator in ("\n", " "):
        position = text.rfind(separator, near, end)
        if position > 0:
            return position
    return end
