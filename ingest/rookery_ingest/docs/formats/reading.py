"""Finds the reader for a page and runs it. Readers are loaded when first needed."""

from __future__ import annotations

from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable
from importlib import import_module
from pathlib import PurePosixPath
from typing import cast

from rookery_core.errors import InvalidInput
from rookery_ingest.docs.formats.article import Article

_BY_SUFFIX = {
    ".html": "html", ".htm": "html", ".xhtml": "html",
    ".md": "markdown", ".markdown": "markdown", ".mdx": "markdown",
    ".rst": "rst",
    ".adoc": "asciidoc", ".asciidoc": "asciidoc", ".asc": "asciidoc",
    ".sgml": "docbook", ".sgm": "docbook", ".docbook": "docbook", ".dbk": "docbook", ".xml": "docbook",
    ".txt": "text", ".text": "text",
    ".pdf": "pdf",
}  # fmt: skip
_READERS = {
    "html": ("html", "read_html"),
    "markdown": ("markdown", "read_markdown"),
    "rst": ("rst", "read_rst"),
    "asciidoc": ("asciidoc", "read_asciidoc"),
    "docbook": ("docbook", "read_docbook"),
    "text": ("text", "read_text"),
    "pdf": ("pdf", "read_pdf"),
}
FORMATS = tuple(_READERS)


def format_of(path: str) -> str | None:
    """The format of a file by its name; None for what is no documentation."""
    return _BY_SUFFIX.get(PurePosixPath(path.lower()).suffix)


def read(data: bytes, format_name: str) -> Article:
    """What the format's reader makes of `data`. Raises InvalidInput when it is not in that format at all, or when it is
    nested so deep that nobody wrote it by hand."""
    if format_name not in _READERS:
        raise InvalidInput(f"format: {format_name!r} is not one of {', '.join(FORMATS)}.")
    module, function = _READERS[format_name]
    reader = getattr(import_module(f"rookery_ingest.docs.formats.{module}"), function)
    try:
        return cast(Callable[[bytes], Article], reader)(_in_utf8(data, format_name))
    except RecursionError:
        raise InvalidInput(f"Not readable as {format_name}: nested too deep.") from None


def _in_utf8(data: bytes, format_name: str) -> bytes:
    """The data, out of UTF-16 where it says that it is. PDF is no text, and XML's own parser knows better."""
    if format_name in ("pdf", "docbook") or not data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        return data
    return data.decode("utf-16", "replace").encode("utf-8")
