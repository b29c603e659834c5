"""What a source delivers before anyone has read it, and what an import is told about the source."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from pathlib import PurePosixPath

from rookery_docs.records import PageKind

READER_VERSION = "5"
"""Grows when a reader or the chunker changes what it makes of the same bytes, so that an import reads pages again."""


@dataclass(frozen=True, slots=True)
class RawPage:
    """A page as bytes. path: its name within the source. format: the reader's name. url: where people read it."""

    path: str
    url: str
    format: str
    data: bytes
    etag: str | None = None
    last_modified: datetime | None = None
    origin: str | None = None
    """The file it was read from, for messages and for includes relative to it."""
    charset: str | None = None
    """As the header of an HTTP answer declares it."""

    def digest(self) -> bytes:
        """What tells whether the page must be read again."""
        digest = blake2b(digest_size=20)
        for part in (READER_VERSION, self.format, self.url, self.charset or ""):
            digest.update(part.encode("utf-8", "surrogatepass") + b"\0")
        digest.update(self.data)
        return digest.digest()


@dataclass(frozen=True, slots=True)
class Unchanged:
    """A page that the source says is as it was when it was last read."""

    path: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A page that could not be fetched or read: it stays as it is stored. hides: other pages could not be seen for it, so that
    the crawl is not complete."""

    path: str
    reason: str
    hides: bool = False


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A listed page that the source does not give: forbidden by its robots.txt, gone, or no document (a picture).
    Like one that is not listed."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A file of the source in a format that has no reader."""

    path: str

    @property
    def kind(self) -> str:
        """The end of its name, such as `.png`."""
        return PurePosixPath(self.path.lower()).suffix or "no suffix"


Delivered = RawPage | Unchanged | Unreadable | LeftOut | PassedOver

_CHANGELOG = re.compile(
    r"(?:(?i:release(?:[-_]?notes)?(?:[-_]?(?:v?\d[\w.-]*|prior))?|change-?logs?|whats-?new(?:[-_].*)?)"
    r"|CHANGES|HISTORY|NEWS)(?:\.\w+)?"
)
_CHANGELOG_TITLE = re.compile(r"(?i)(?:release notes\b|release \d|change ?log\b)")
_INDEX = re.compile(
    r"(?i)(?:^|/)(?:bookindex|genindex(?:-[\w.]+)?|py-modindex|modindex|search|sitemap)\.(?:x?html?)$"
)


def kind_of(path: str, title: str) -> PageKind:
    """What kind of page this is, by its name and title."""
    if _INDEX.search(path):
        return "index"
    if _CHANGELOG.fullmatch(path.rsplit("/", 1)[-1]) or _CHANGELOG_TITLE.match(title):
        return "changelog"
    return "page"
