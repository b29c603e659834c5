"""get_document."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from rookery_core.errors import InvalidInput, NotFound
from rookery_core.identity import current_caller
from rookery_core.serving.arguments import Cursor, MaxTokens
from rookery_core.serving.paging import Page
from rookery_core.suggestions import suggest
from rookery_core.text import clip, estimate_tokens
from rookery_docs.answers import DocumentAnswer, Section
from rookery_docs.links import spellings, split_anchor, url_of
from rookery_docs.releases import selected
from rookery_docs.service import DocsService
from rookery_docs.store.reader import DocsReader, PageInfo, PagePassage

_MOST_SECTIONS = 80
_SUFFIX = re.compile(r"\.(?:x?html?|mdx?|rst|adoc|txt)$")


@dataclass(frozen=True, slots=True)
class _Place:
    """Where to read: a page, and perhaps an anchor in it."""

    page: PageInfo
    anchor: str | None


class DocumentTools:
    """Reading pages."""

    def __init__(self, service: DocsService) -> None:
        self._service = service

    async def get_document(
        self,
        page: Annotated[
            str,
            Field(
                min_length=1, max_length=2000, description="URL, page name (sql-createindex.html), or anchor"
            ),
        ],
        source: Annotated[str | None, Field(description="as in list_sources")] = None,
        version: Annotated[str | None, Field(description="of a page name; default: the newest")] = None,
        section: Annotated[
            str | None, Field(description="anchor or heading to begin at; default: all")
        ] = None,
        neighbours: Annotated[
            int, Field(ge=0, le=10, description="with section: passages before and after it")
        ] = 0,
        max_tokens: MaxTokens = 4_000,
        cursor: Cursor = "",
    ) -> DocumentAnswer:
        """Read a page of the documentation as Markdown, whole or from one section.

        Use it after search_docs, with a result's url (its #anchor selects the section), or with a URL, page name or
        anchor that you know. A URL names its own version; a page name is read in the newest version unless `version`
        says otherwise. Long text is cut at max_tokens: continue with next_cursor, or pick a section from `sections`.
        """
        releases = selected(await self._service.releases(), source, version)
        caller = current_caller()
        database = await self._service.database()
        async with database.transaction(caller, readonly=True) as connection:
            reader = DocsReader(connection, caller)
            wanted_version = None if version in (None, "latest", "all") else version
            place = await _locate(reader, page, source, wanted_version, {r.source for r in releases})
            passages = await reader.passages(place.page.page_id)
        begins = section or place.anchor
        first, last = _range(passages, begins, neighbours, place.page)
        part = Page.open(
            "get_document", {"page": place.page.page_id, "range": [first, last]}, cursor, max_tokens
        )
        start, offset = _start(part, first, last)
        text, reached, omitted = _text(passages, start, offset, last, max_tokens)
        return DocumentAnswer(
            title=place.page.title,
            source=place.page.source,
            version=place.page.version,
            page=place.page.path,
            url=url_of(place.page.url, passages[start].anchor if passages and (start or begins) else None),
            text=text,
            sections=_outline(passages),
            omitted_tokens=omitted,
            next_cursor=part.cursor(passage=reached[0], character=reached[1]) if omitted else None,
        )


async def _locate(
    reader: DocsReader, reference: str, source: str | None, version: str | None, sources: set[str]
) -> _Place:
    name, anchor = split_anchor(reference)
    if "://" in name:
        found = [page for page in await reader.pages_by_url(spellings(name)) if page.source in sources]
        found = [page for page in found if version in (None, page.version)] or found
        if found:
            return _Place(found[0], anchor)
        name = name.rsplit("/", 1)[-1]
    for path in dict.fromkeys([name, name.strip("/"), name + ".html", name + ".md"]) if name else ():
        if found := await reader.pages_by_path(path, source, version):
            return _Place(found[0], anchor)
    lone = anchor or name
    if found := await reader.pages_by_anchor(lone, source, version):
        return _Place(found[0], lone)
    raise NotFound(
        f"page: {reference!r} is no page, URL or anchor of what is imported.",
        candidates=await _near(reader, _stem(name), source),
        hint="search_docs finds pages; each result has its url.",
    )


async def _near(reader: DocsReader, stem: str, source: str | None) -> list[str]:
    """Paths of pages that a name may be meant for: it is part of theirs or of their titles, or is spelt much as theirs."""
    if len(stem) <= 2:
        return []
    if found := await reader.paths_like(stem, source):
        return found
    named: dict[str, str] = {}
    for path in sorted(await reader.paths_as_long(stem, source)):
        named.setdefault(_stem(path), path)
    return [named[name] for name in suggest(stem, named)]


def _stem(path: str) -> str:
    return _SUFFIX.sub("", path.rsplit("/", 1)[-1].lower())


def _range(
    passages: list[PagePassage], section: str | None, neighbours: int, page: PageInfo
) -> tuple[int, int]:
    """The first passage to show and the one after the last."""
    if section is None:
        return 0, len(passages)
    start = _find(passages, section)
    if start is None:
        headings = [passage.heading_path[-1] for passage in passages if passage.heading_path]
        near = [heading for heading in dict.fromkeys(headings) if section.lower() in heading.lower()]
        raise NotFound(
            f"section: {section!r} is no anchor or heading of {page.path}.",
            candidates=near[:5] or list(dict.fromkeys(headings))[:12],
            hint="Leave section out to get the page's outline in `sections`.",
        )
    path = passages[start].heading_path
    end = start + 1
    while end < len(passages) and passages[end].heading_path[: len(path)] == path:
        end += 1
    return max(0, start - neighbours), min(len(passages), end + neighbours)


def _find(passages: list[PagePassage], section: str) -> int | None:
    lower = section.lower()
    line = re.compile(rf"(?im)^#+ {re.escape(section)}\s*$")
    tests: tuple[Callable[[PagePassage], bool], ...] = (
        lambda passage: passage.anchor == section,
        lambda passage: section in passage.anchors,
        lambda passage: lower in (name.lower() for name in passage.anchors),
        lambda passage: " ".join(passage.heading_path[-1:]).lower() == lower,
        lambda passage: line.search(passage.text) is not None,
        lambda passage: lower in " ".join(passage.heading_path[-1:]).lower(),
    )
    for test in tests:
        for number, passage in enumerate(passages):
            if test(passage):
                return number
    return None


def _start(part: Page, first: int, last: int) -> tuple[int, int]:
    """The passage in which a part begins, and the character within it. Raises InvalidInput if there is no such passage."""
    start, offset = int(part.position.get("passage", first)), int(part.position.get("character", 0))
    if part.position and not first <= start < last:
        raise InvalidInput("cursor: the page has changed since.", hint="Call again without cursor.")
    return start, offset


def _text(
    passages: list[PagePassage], start: int, offset: int, last: int, max_tokens: int
) -> tuple[str, list[int], int]:
    """The text that fits, where it ends (passage, characters into it), and the tokens left out."""
    parts: list[str] = []
    left = max_tokens
    for number in range(start, last):
        text = passages[number].text[offset if number == start else 0 :]
        cost = estimate_tokens(text)
        if cost > left:
            body, _ = clip(text, left) if left > 20 or not parts else ("", 0)
            if body:
                parts.append(body)
            consumed = len(body) + (offset if number == start else 0)
            rest = (
                passages[number].text[consumed:],
                *(passage.text for passage in passages[number + 1 : last]),
            )
            return "\n\n".join(parts), [number, consumed], sum(estimate_tokens(part) for part in rest)
        parts.append(text)
        left -= cost
    return "\n\n".join(parts), [last, 0], 0


def _outline(passages: list[PagePassage]) -> list[Section]:
    found: dict[tuple[str, ...], Section] = {}
    for passage in passages:
        if passage.heading_path and passage.heading_path not in found:
            heading = " > ".join(passage.heading_path[1:]) or passage.heading_path[0]
            found[passage.heading_path] = Section(heading=heading, anchor=passage.anchor)
    return list(found.values())[:_MOST_SECTIONS]
