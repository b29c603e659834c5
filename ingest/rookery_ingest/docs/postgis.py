"""PostGIS's manual: from a folder, an archive or a single file of built HTML, the Debian package, or the official site."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rookery_core.errors import InvalidInput, NotFound
from rookery_core.foreign.files import NotOpened, open_file, read_file
from rookery_ingest.docs.archive import is_archive, names_in, read_archive
from rookery_ingest.docs.folder import UrlOf, read_folder, url_maker
from rookery_ingest.docs.formats.docbook_html import plain_page, split_book
from rookery_ingest.docs.raw import Delivered, RawPage

if TYPE_CHECKING:
    from rookery_docs.store.writer import KnownPage
    from rookery_ingest.docs.site import Site
    from rookery_ingest.docs.web import Guest

SOURCE = "postgis"
TITLE = "PostGIS"
SITE = "https://postgis.net/docs/"
_DEBIAN = Path("/usr/share/doc/postgis-doc/postgis.html")
_MARK = "ST_Area.html"
"""Every chunked build of the manual has it, beside all other pages."""
_BOOKS = ("postgis-en.html", "postgis.html")
"""What a build in one file is called."""


@dataclass(frozen=True, slots=True)
class Manual:
    """Where a version is read from: a folder, an archive or a file; None for the site."""

    version: str
    place: Path | None
    base_url: str


def site_of(version: str) -> str:
    """Where people read a version: the manuals are one for each minor version."""
    return f"{SITE}manual-{'.'.join(version.split('.')[:2])}/"


def find_manual(
    version: str, place: Path | None, base_url: str | None = None, debian: Path = _DEBIAN
) -> Manual:
    """Where a version is: at `place`, else the Debian package if it has that version, else the site.

    Raises NotFound, InvalidInput.
    """
    base = base_url or site_of(version)
    if place is None:
        return Manual(version, debian if _is_of(debian, version) else None, base)
    if not place.exists():
        raise InvalidInput(f"--from: {place} does not exist.")
    if place.is_file():
        return Manual(version, place, base)
    marks = [mark.parent for mark in sorted(place.rglob(_MARK))]
    books = [place / name for name in _BOOKS if (place / name).is_file()]
    if not marks and not books:
        raise NotFound(f"--from: {place} holds no HTML manual of PostGIS.")
    return Manual(version, _english(marks) if marks else books[0], base)


async def read_manual(manual: Manual) -> AsyncIterator[Delivered]:
    """The pages of a manual on this machine."""
    assert manual.place is not None
    url_of = url_maker(Path(), manual.base_url)
    if await asyncio.to_thread(is_archive, manual.place):
        pages = _from_archive(manual.place, url_of)
    elif await asyncio.to_thread(manual.place.is_file):
        pages = _from_book(await asyncio.to_thread(read_file, manual.place), manual.place, url_of)
    else:
        pages = _flat(read_folder(manual.place, url_of))
    async for page in pages:
        yield page


async def read_website(guest: Guest, site: Site, known: Mapping[str, KnownPage]) -> AsyncIterator[Delivered]:
    """The pages of the site, by its links: its sitemap does not list the manuals."""
    from rookery_ingest.docs.site import read_site

    async for page in read_site(guest, site, known):
        yield await _plainly(page)


def _is_of(book: Path, version: str) -> bool:
    """Whether a book says in its title that it is of this version."""
    try:
        with open_file(book) as file:
            head = file.read(4096).decode("utf-8", "replace")
    except NotOpened:
        return False
    return f"PostGIS {version} " in head or f"PostGIS {version}." in head


def _english(folders: list[Path]) -> Path:
    """A build holds the manual in several languages, a folder each."""
    return min(folders, key=lambda folder: (not folder.name.endswith("en"), len(folder.parts), folder.name))


async def _from_archive(file: Path, url_of: UrlOf) -> AsyncIterator[Delivered]:
    names = await asyncio.to_thread(names_in, file)
    marks = [Path(name).parent for name in names if name.rsplit("/", 1)[-1] == _MARK]
    books = [name for name in names if name.rsplit("/", 1)[-1] in _BOOKS]
    if marks:
        folder = _english(marks).as_posix()

        def of_folder(name: str) -> str | None:
            path = Path(name)
            return path.name if path.parent.as_posix() == folder and path.suffix == ".html" else None

        async for page in _flat(read_archive(file, of_folder, url_of)):
            yield page
    elif books:
        async for book in read_archive(file, lambda name: name if name == books[0] else None, url_of):
            if isinstance(book, RawPage):
                async for page in _from_book(book.data, file, url_of):
                    yield page
            else:
                yield book
    else:
        raise NotFound(f"{file} holds no HTML manual of PostGIS.")


async def _from_book(data: bytes, file: Path, url_of: UrlOf) -> AsyncIterator[Delivered]:
    pages = await asyncio.to_thread(lambda: list(split_book(data)))
    if not pages:
        raise InvalidInput(
            f"--from: {file} is no manual in one file: no chapter and no reference page in it."
        )
    for name, page in pages:
        path = f"{name}.html"
        yield RawPage(path, url_of(path), "html", page, origin=str(file))


async def _flat(pages: AsyncIterator[Delivered]) -> AsyncIterator[Delivered]:
    async for page in pages:
        if page.path.endswith(".html") and "/" not in page.path:
            yield await _plainly(page)


async def _plainly(page: Delivered) -> Delivered:
    if isinstance(page, RawPage) and page.format == "html":
        return replace(page, data=await asyncio.to_thread(plain_page, page.data))
    return page
