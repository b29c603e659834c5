"""What ingest hands to the store: a page and its passages, as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

PageKind = Literal["page", "changelog", "index"]
"""changelog: release notes, ranked behind what describes the present. index: a page of links, never searched."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of a page that is found and shown as one.

    heading_path: titles from the page's down to the passage's own. anchor: where in the page a URL points. anchors:
    every id inside. text: Markdown; its first `overlap` characters repeat the passage before. headings: those inside.
    terms: what it defines. purpose: a one-line statement of what the page's subject is for. links: (target, words).
    """

    position: int
    heading_path: tuple[str, ...]
    text: str
    anchor: str | None = None
    anchors: tuple[str, ...] = ()
    overlap: int = 0
    headings: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    purpose: str = ""
    links: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class PageRecord:
    """A page of one version of a source. path: its name within the source. digest: of the bytes it was read from.
    contents: titles of the pages that it leads to, where it opens a chapter."""

    path: str
    url: str
    title: str
    digest: bytes
    passages: tuple[Passage, ...] = ()
    contents: tuple[str, ...] = ()
    description: str | None = None
    kind: PageKind = "page"
    etag: str | None = None
    last_modified: datetime | None = field(default=None)
