"""Finds the reader for a page and runs it. Readers are loaded when first needed."""

from __future__ import annotations

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
    """What the format's reader makes of `data`. Raises InvalidInput when it is not in that format at all."""
    if format_name not in _READERS:
        raise InvalidInput(f"format: {format_name!r} is not one of {', '.join(FORMATS)}.")
    module, function = _READERS[format_name]
    reader = getattr(import_module(f"rookery_ingest.docs.formats.{module}"), function)
    return cast(Callable[[bytes], Article], reader)(data)
