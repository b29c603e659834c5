"""Making any text fit for PostgreSQL, and knowing how much of it is searched."""

from __future__ import annotations

import re
import unicodedata

MAX_INDEXED_BYTES = 200_000
"""How much of a text `search.document` indexes: a tsvector holds less than 1 MB, and this much never exceeds it."""


def searchable(text: str) -> str:
    """The text without what PostgreSQL cannot store: NUL becomes a space, a lone surrogate a question mark."""
    return text.replace("\0", " ").encode("utf-8", "replace").decode("utf-8")


def is_clipped(text: str) -> bool:
    """Whether the end of the text is not searched, because it is longer than MAX_INDEXED_BYTES. Say so to the user."""
    return len(text) > MAX_INDEXED_BYTES // 4 and len(text.encode("utf-8", "replace")) > MAX_INDEXED_BYTES


_MARKS = re.compile("[\u0300-\u036f]+")
_LETTERS = str.maketrans(
    {
        "ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "ħ": "h", "Ħ": "H",
        "ŧ": "t", "Ŧ": "T", "ı": "i", "ß": "ss", "ẞ": "SS", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE",
        "þ": "th", "Þ": "TH",
    }
)  # fmt: skip


def fold(text: str) -> str:
    """The text without accents and presentation forms, with ASCII for letters such as ł and ß; as search.folded."""
    if text.isascii():
        return text
    plain = _MARKS.sub("", unicodedata.normalize("NFKD", text)).translate(_LETTERS)
    return unicodedata.normalize("NFC", plain)
