"""PostgreSQL's manual: from a folder, an archive, the official site, or an installed Debian package."""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from rookery_core.errors import InvalidInput, NotFound
from rookery_core.foreign.limits import DOWNLOAD_TIMEOUT_S
from rookery_ingest.docs.archive import is_archive, names_in, read_archive
from rookery_ingest.docs.folder import read_folder, url_maker
from rookery_ingest.docs.raw import Delivered
from rookery_ingest.docs.web import Guest

SOURCE = "postgres"
TITLE = "PostgreSQL"
SITE = "https://www.postgresql.org/docs/"
DOWNLOADS = "https://ftp.postgresql.org/pub/source/"
_DEBIAN = "usr/share/doc/postgresql-doc-{version}/html"
_RELEASE = re.compile(r'href="v(\d+(?:\.\d+)*)/"')
_VERSION = re.compile(r"\d+(?:\.\d+)?")
_ARCHIVE = re.compile(r"(?i)\.(?:zip|tgz|tar(?:\.\w+)?)$")
_MOST_VERSIONS = 20
_MARK = "bookindex.html"
"""Every build of the manual has it, and it stands beside the pages."""


@dataclass(frozen=True, slots=True)
class Manual:
    """Where a version is read from: a folder or an archive of this machine, else the URL of an archive, else the official
    one."""

    version: str
    place: Path | None
    archive_url: str | None = None

    @property
    def base_url(self) -> str:
        """Where people read this version."""
        return f"{SITE}{self.version}/"


def versions_of(text: str) -> list[str]:
    """The versions that `14..18`, `17` or `15,17` names. Raises InvalidInput."""
    found: list[str] = []
    for part in text.split(","):
        first, dots, last = part.strip().partition("..")
        if dots and first.isdecimal() and last.isdecimal():
            found += _range(part.strip(), int(first), int(last))
        elif not dots and _VERSION.fullmatch(first):
            found.append(first)
        else:
            raise InvalidInput(f"VERSIONS: {part!r} is no version.", hint="Write 17, 14..18 or 15,17.")
    return list(dict.fromkeys(found))


def _range(written: str, first: int, last: int) -> list[str]:
    if first > last:
        raise InvalidInput(f"VERSIONS: {written!r} runs backwards.", hint=f"Write {last}..{first}.")
    if last - first >= _MOST_VERSIONS:
        raise InvalidInput(f"VERSIONS: {written!r} names more than {_MOST_VERSIONS} versions.")
    return [str(number) for number in range(first, last + 1)]


def find_manual(version: str, place: Path | None) -> Manual:
    """Where a version is: at `place` (a folder or archive, or a folder that has it under its number or as a Debian package
    does), else the Debian package, else the official archive. Raises NotFound when `place` does not have it, InvalidInput
    when it is no place at all."""
    packaged = _DEBIAN.format(version=version)
    if place is None:
        installed = Path("/", packaged)
        return Manual(version, installed if installed.is_dir() else None)
    _require_place(place)
    if place.is_file():
        return Manual(version, place)
    for below in (version, packaged, f"postgresql-doc-{version}/html", "html", ""):
        candidate = place / below
        if (candidate / _MARK).is_file() or (candidate / "index.html").is_file():
            return Manual(version, candidate)
    others = [mark.parent for mark in sorted(place.glob(f"*/{_MARK}")) if not mark.parent.name.isdecimal()]
    if len(others) == 1:
        return Manual(version, others[0])
    raise NotFound(f"--from: {place} holds no HTML manual of version {version}.")


def manual_at(version: str, url: str) -> Manual | None:
    """The manual in an archive at a URL; None when the URL is no archive's and the manual is a site there."""
    return Manual(version, None, url) if _ARCHIVE.search(urlsplit(url).path) else None


def _require_place(place: Path) -> None:
    if not place.exists():
        raise InvalidInput(f"--from: {place} does not exist.")
    if place.suffix == ".deb":
        raise InvalidInput(
            f"--from: {place} is a packed Debian package.",
            hint=f"Unpack it with `dpkg -x {place} FOLDER` and pass FOLDER.",
        )
    if place.is_file() and not is_archive(place):
        raise InvalidInput(f"--from: {place} is neither a folder nor an archive that can be read.")


async def read_manual(manual: Manual, guest: Guest | None = None) -> AsyncIterator[Delivered]:
    """The pages of a version. Without a place the archive is downloaded by `guest`. Raises InvalidInput without a guest."""
    url_of = url_maker(Path(), manual.base_url)
    if manual.place is None:
        if guest is None:
            raise InvalidInput("No place to read the manual from.")
        with tempfile.TemporaryDirectory() as folder:
            url = manual.archive_url or await official_archive(guest, manual.version)
            archive = Path(folder, "manual")
            await asyncio.to_thread(
                archive.write_bytes, (await guest.fetch(url, timeout_s=DOWNLOAD_TIMEOUT_S)).data
            )
            async for page in _from_archive(archive, manual):
                yield page
    elif await asyncio.to_thread(is_archive, manual.place):
        async for page in _from_archive(manual.place, manual):
            yield page
    else:
        async for page in read_folder(manual.place, url_of):
            if page.path.endswith(".html") and "/" not in page.path:
                yield page


async def _from_archive(file: Path, manual: Manual) -> AsyncIterator[Delivered]:
    names = await asyncio.to_thread(names_in, file)
    marks = [name for name in names if name.endswith("/" + _MARK) or name == _MARK]
    wanted = [name for name in marks if f"/{manual.version}/" in f"/{name}"] or marks
    if not wanted:
        raise NotFound(f"{file} holds no HTML manual.")
    folder = min(wanted, key=len).removesuffix(_MARK)

    def select(name: str) -> str | None:
        path = name.removeprefix(folder)
        return path if name.startswith(folder) and path.endswith(".html") and "/" not in path else None

    async for page in read_archive(file, select, url_maker(Path(), manual.base_url)):
        yield page


async def official_archive(guest: Guest, version: str) -> str:
    """The URL of the newest release of a major version, whose archive has the built manual. Raises NotFound."""
    listing = (await guest.fetch(DOWNLOADS)).data.decode("utf-8", "replace")
    releases = [
        name for name in _RELEASE.findall(listing) if name == version or name.startswith(version + ".")
    ]
    if not releases:
        raise NotFound(f"VERSIONS: there is no release of PostgreSQL {version}.")
    newest = max(releases, key=lambda name: [int(part) for part in name.split(".")])
    return urljoin(DOWNLOADS, f"v{newest}/postgresql-{newest}.tar.gz")
