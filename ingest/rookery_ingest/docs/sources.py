"""Every kind of source, from its stored settings to its pages. A scheduled refresh needs nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rookery_core.errors import InvalidInput
from rookery_core.text_decoding import decode_text
from rookery_docs.store.writer import KnownPage
from rookery_ingest.docs.raw import Delivered
from rookery_ingest.docs.web import Guest

_PACKAGES = frozenset((".docx", ".pptx", ".xlsx", ".odt", ".odp", ".ods", ".epub", ".jar", ".whl", ".apk"))
"""Zip archives whose members are no documents."""


@dataclass(slots=True)
class Opened:
    """A source ready to be read. `whole()` is asked after reading: whether all of the source was seen."""

    pages: AsyncIterable[Delivered]
    base_url: str
    site: Any = None

    def whole(self) -> bool:
        """Whether what was not delivered has vanished from the source."""
        return self.site is None or self.site.complete


async def open_source(
    kind: str, version: str, settings: Mapping[str, Any], known: Mapping[str, KnownPage], guest: Guest
) -> Opened:
    """Open a source by its settings. Raises InvalidInput when it cannot be."""
    openers = {
        "folder": _folder,
        "postgres": _postgres,
        "postgis": _postgis,
        "timescale": _timescale,
        "site": _site,
        "git": _git,
        "llms": _llms,
    }
    if kind not in openers:
        raise InvalidInput(f"{kind!r} is no kind of source.", candidates=sorted(openers))
    return await openers[kind](version, settings, known, guest)


def _path(settings: Mapping[str, Any]) -> Path:
    return Path(str(settings["path"]))


async def _folder(
    version: str, settings: Mapping[str, Any], known: Mapping[str, KnownPage], guest: Guest
) -> Opened:
    from rookery_ingest.docs.archive import common_folder, documents_below, is_archive, names_in, read_archive
    from rookery_ingest.docs.folder import read_folder, url_maker

    path = _path(settings)
    url_of = url_maker(path, settings.get("base_url"))
    if path.suffix.lower() in _PACKAGES and path.is_file():
        raise InvalidInput(
            f"PATH: there is no reader for {path.suffix.lower()}.", hint="Export it as HTML, Markdown or PDF."
        )
    if is_archive(path):
        select = documents_below(common_folder(names_in(path)))
        return Opened(read_archive(path, select, url_of, name_passed_over=True), url_of(""))
    return Opened(read_folder(path, url_of, name_passed_over=True), url_of(""))


async def _postgres(
    version: str, settings: Mapping[str, Any], known: Mapping[str, KnownPage], guest: Guest
) -> Opened:
    from rookery_ingest.docs.postgres import find_manual, manual_at, read_manual

    if settings.get("url"):
        url = str(settings["url"]).replace("{version}", version)
        manual = manual_at(version, url)
        if manual is None:
            return await _site(version, {**settings, "url": url}, known, guest)
    else:
        manual = find_manual(version, _path(settings) if settings.get("path") else None)
    return Opened(read_manual(manual, guest), manual.base_url)


async def _postgis(
    version: str, settings: Mapping[str, Any], known: Mapping[str, KnownPage], guest: Guest
) -> Opened:
    from rookery_ingest.docs import postgis
    from rookery_ingest.docs.site import Site

    place = _path(settings) if settings.get("path") else None
    manual = postgis.find_manual(version, place, settings.get("base_url"))
    if manual.place is not None:
        return Opened(postgis.read_manual(manual), manual.base_url)
    site = Site(manual.base_url, most_pages=int(settings.get("most_pages") or 10_000), follow=True)
    return Opened(postgis.read_website(guest, site, known), manual.base_url, site)


async def _timescale(
    version: str, settings: Mapping[str, Any], known: Mapping[str, KnownPage], guest: Guest
) -> Opened:
    from rookery_ingest.docs.timescale import SITE, read_timescale

    if settings.get("path"):
        return Opened(read_timescale(_path(settings)), SITE)
    return await _site(version, {"url": SITE, **settings}, known, guest)


async def _site(
    version: str, settings: Mapping[str, Any], known: Mapping[str, KnownPage], guest: Guest
) -> Opened:
    from rookery_ingest.docs.site import Site, read_site

    site = Site(str(settings["url"]), settings.get("sitemap"), int(settings.get("most_pages") or 10_000))
    await site.open(guest)
    return Opened(read_site(guest, site, known), site.start, site)


async def _git(
    version: str, settings: Mapping[str, Any], known: Mapping[str, KnownPage], guest: Guest
) -> Opened:
    from rookery_ingest.docs.folder import url_maker
    from rookery_ingest.docs.git import read_working_copy

    path, below = _path(settings), str(settings.get("below") or "")
    url_of = url_maker(path / below, settings.get("base_url"))
    return Opened(read_working_copy(path, below, url_of), url_of(""))


async def _llms(
    version: str, settings: Mapping[str, Any], known: Mapping[str, KnownPage], guest: Guest
) -> Opened:
    from rookery_ingest.docs.llmstxt import read_full
    from rookery_ingest.docs.site import Site, read_links
    from rookery_ingest.docs.sitemap import linked_pages

    url = str(settings["url"])
    answer = await guest.fetch(url)
    url, text = answer.url, decode_text(answer.data, answer.charset).text
    if urlsplit(str(settings["url"])).path.rsplit("/", 1)[-1].startswith("llms-full"):
        return Opened(read_full(text, url), url)
    site = Site(url.rsplit("/", 1)[0] + "/", most_pages=int(settings.get("most_pages") or 10_000))
    return Opened(read_links(guest, site, known, linked_pages(text, url)), site.start, site)
