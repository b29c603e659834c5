"""Documents packed in one file: tar (any compression) and zip, read without unpacking to disk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from rookery_core.errors import InvalidInput
from rookery_core.foreign.archives import Archive, Damaged, Member, is_archive, open_archive
from rookery_core.foreign.files import NotOpened, Refused
from rookery_ingest.docs.folder import UrlOf
from rookery_ingest.docs.formats.reading import format_of
from rookery_ingest.docs.raw import Delivered, LeftOut, PassedOver, RawPage, Unreadable

__all__ = ["Select", "common_folder", "documents_below", "is_archive", "names_in", "read_archive"]

Select = Callable[[str], str | None]
"""A member's name as a page's path, or None when it is none."""


def documents_below(prefix: str) -> Select:
    """Selects documents below a folder of the archive, and names them from there."""

    def select(name: str) -> str | None:
        name = name.removeprefix("./")
        if not name.startswith(prefix) or "/." in f"/{name}":
            return None
        path = name.removeprefix(prefix)
        return path if format_of(path) is not None else None

    return select


def common_folder(names: list[str]) -> str:
    """The folder, with a slash at its end, that all names are in; empty when there is none."""
    parts = [name.removeprefix("./").split("/")[:-1] for name in names]
    shared: list[str] = []
    for level in zip(*parts, strict=False):
        if len(set(level)) > 1:
            break
        shared.append(level[0])
    return "/".join(shared) + "/" if shared else ""


async def read_archive(
    file: Path, select: Select, url_of: UrlOf, *, name_passed_over: bool = False
) -> AsyncIterator[Delivered]:
    """Every selected document; of a damaged archive what comes before the damage.

    name_passed_over: also say which files have no reader. Raises InvalidInput when the file is no archive.
    """
    archive = await asyncio.to_thread(open_archive, file)
    with archive:
        members = archive.members()
        while True:
            try:
                member = await asyncio.to_thread(next, members, None)
            except NotOpened as error:
                yield Unreadable(file.name, error.message, hides=True)
                return
            if member is None:
                return
            path = select(member.name)
            if path is None:
                if name_passed_over and _is_passed_over(member):
                    yield PassedOver(member.name)
            else:
                yield await asyncio.to_thread(_document, archive, member, path, url_of(path))


def _is_passed_over(member: Member) -> bool:
    return format_of(member.name) is None and "/." not in f"/{member.name.removeprefix('./')}"


def _document(archive: Archive, member: Member, path: str, url: str) -> Delivered:
    try:
        return RawPage(path, url, format_of(path) or "text", archive.read(member))
    except Refused as error:
        return LeftOut(path, error.message)
    except NotOpened as error:
        return Unreadable(path, error.message)


def names_in(file: Path) -> list[str]:
    """The names of the files of an archive. Raises InvalidInput when it is damaged, a bomb, or none."""
    try:
        with open_archive(file) as archive:
            return [member.name for member in archive.members() if member.refusal is None]
    except Damaged as error:
        raise InvalidInput(f"{file} is damaged and cannot be read: {error.message}.") from error
