"""Bytes as text: by the byte order mark, by what the sender declared, as UTF-8, else by a guess that is reported."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DECLARED = re.compile(
    rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([\w.:-]+)|<meta[^>]{0,200}?charset\s*=\s*[\"']?([\w.:-]+)",
    re.IGNORECASE,
)
_HEAD_BYTES = 4096
_SAMPLE_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class DecodedText:
    """A text, the encoding it was read in, and whether that was a guess. Line ends are \\n; there is no byte order mark."""

    text: str
    encoding: str
    guessed: bool = False


def decode_text(data: bytes, declared: str | None = None) -> DecodedText:
    """`data` as text. declared: the charset of an HTTP header; one inside the data (XML, HTML) counts after it.

    A declaration that the data contradicts is not believed. Nothing is lost: what no encoding reads becomes U+FFFD.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _decoded(data.decode(encoding, "replace"), encoding)
    for encoding in (declared, declared_encoding(data), "utf-8"):
        if encoding and (text := _strictly(data, encoding)) is not None:
            return _decoded(text, encoding)
    return _guess(data)


def declared_encoding(data: bytes) -> str | None:
    """The encoding that an XML declaration or a meta element at the beginning of `data` names."""
    match = _DECLARED.search(data[:_HEAD_BYTES])
    return (match[1] or match[2]).decode("ascii") if match else None


def _strictly(data: bytes, encoding: str) -> str | None:
    try:
        # browsers read these as the Windows code page, which has more characters in the same places
        name = "cp1252" if codecs.lookup(encoding).name in ("iso8859-1", "ascii") else encoding
        return data.decode("utf-8" if name == "cp1252" and data.isascii() else name)
    except (LookupError, ValueError):
        return None


def _guess(data: bytes) -> DecodedText:
    from charset_normalizer import from_bytes

    best = from_bytes(data[:_SAMPLE_BYTES]).best()
    for encoding in (best.encoding if best else None, "cp1252"):
        if encoding and (text := _strictly(data, encoding)) is not None:
            return _decoded(text, encoding, guessed=True)
    return _decoded(data.decode("utf-8", "replace"), "utf-8", guessed=True)


def _decoded(text: str, encoding: str, *, guessed: bool = False) -> DecodedText:
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    return DecodedText(text, codecs.lookup(encoding).name, guessed)
