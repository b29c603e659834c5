"""Finds the reader for a page and runs it. Readers are loaded when first needed."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import PurePosixPath
from typing import cast

from rookery_core.errors import InvalidInput
from rookery_core.text_decoding import decode_text
from rookery_ingest.docs.formats.article import Article

_BY_SUFFIX = {
    ".html": "html", ".htm": "html", ".xhtml": "html",
    ".md": "markdown", ".markdown": "markdown", ".mdx": "mdx",
    ".rst": "rst",
    ".adoc": "asciidoc", ".asciidoc": "asciidoc", ".asc": "asciidoc",
    ".sgml": "docbook", ".sgm": "docbook", ".docbook": "docbook", ".dbk": "docbook", ".xml": "docbook",
    ".txt": "text", ".text": "text",
    ".pdf": "pdf",
}  # fmt: skip
_READERS = {
    "html": ("html", "read_html"),
    "markdown": ("markdown", "read_markdown"),
    "mdx": ("markdown", "read_mdx"),
    "rst": ("rst", "read_rst"),
    "asciidoc": ("asciidoc", "read_asciidoc"),
    "docbook": ("docbook", "read_docbook"),
    "text": ("text", "read_text"),
    "pdf": ("pdf", "read_pdf"),
}
FORMATS = tuple(_READERS)
_BINARY = frozenset(("pdf",))
"""Formats whose readers take bytes."""


def format_of(path: str) -> str | None:
    """The format of a file by its name; None for what is no documentation."""
    return _BY_SUFFIX.get(PurePosixPath(path.lower()).suffix)


def read(data: bytes, format_name: str, charset: str | None = None) -> Article:
    """What the format's reader makes of `data`. charset: as the sender of the data declared it.

    Raises InvalidInput when the data is not in that format at all, or nested deeper than anybody writes by hand.
    """
    if format_name not in _READERS:
        raise InvalidInput(f"format must be one of {', '.join(FORMATS)}, not {format_name!r}.")
    module, function = _READERS[format_name]
    reader = getattr(import_module(f"rookery_ingest.docs.formats.{module}"), function)
    document = data if format_name in _BINARY else decode_text(data, charset).text
    try:
        return cast(Callable[[bytes | str], Article], reader)(document)
    except RecursionError:
        raise InvalidInput(f"Not readable as {format_name}: nested too deep.") from None
