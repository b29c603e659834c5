"""compare_versions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, Field

from rookery_core.errors import InvalidInput
from rookery_core.identity import current_caller
from rookery_core.serving.arguments import MaxTokens
from rookery_core.text import clip, estimate_tokens
from rookery_docs.comparison import Change, changes
from rookery_docs.links import url_of
from rookery_docs.releases import selected
from rookery_docs.service import DocsService
from rookery_docs.store.reader import DocsReader, PageInfo, PagePassage, ReleaseInfo

_PAGES = 3
_LONGEST_SIDE = 350


class ChangedPart(BaseModel):
    """A stretch that differs; before or after is empty for what was added or removed."""

    heading: str
    url: str
    before: str
    after: str


class ComparedPage(BaseModel):
    """A page in both versions."""

    title: str
    page: str
    state: str = Field(description="changed, unchanged, added or removed")
    url_before: str | None = None
    url_after: str | None = None
    changes: list[ChangedPart] = []
    omitted_changes: int = 0


class ComparisonAnswer(BaseModel):
    """What changed, most relevant first."""

    source: str
    from_version: str
    to_version: str
    pages: list[ComparedPage]


@dataclass(frozen=True, slots=True)
class _Side:
    page: PageInfo
    passages: list[PagePassage]


class ComparisonTools:
    """Differences between versions."""

    def __init__(self, service: DocsService) -> None:
        self._service = service

    async def compare_versions(
        self,
        topic: Annotated[
            str, Field(min_length=1, max_length=1000, description="a subject, identifier, or page name")
        ],
        from_version: Annotated[str, Field(description="the older one, as in list_sources")],
        to_version: Annotated[str, Field(description="the newer one")],
        source: Annotated[str, Field(description="as in list_sources")] = "postgres",
        max_tokens: MaxTokens = 3_000,
    ) -> ComparisonAnswer:
        """What the documentation says differently about a topic in two versions of a source.

        Use it for "what changed about X between 15 and 17". Answers with the pages on the topic and their changed
        passages, before and after, with exact URLs; omitted_changes counts what did not fit.
        """
        if from_version == to_version:
            raise InvalidInput("to_version must differ from from_version.")
        known = await self._service.releases()
        [old], [new] = selected(known, source, from_version), selected(known, source, to_version)
        database, caller = await self._service.database(), current_caller()
        ranking = await self._service.engine.rank(database, caller, topic, [new, old], most=4 * _PAGES)
        named = [topic] if "." in topic else []
        paths = list(dict.fromkeys([*named, *(page.path for page in ranking.pages)]))[: _PAGES + len(named)]
        compared: list[tuple[ComparedPage, list[Change]]] = []
        async with database.transaction(caller, readonly=True) as connection:
            reader = DocsReader(connection, caller)
            for path in paths:
                sides = (await _side(reader, path, old), await _side(reader, path, new))
                if any(sides):
                    compared.append(_compared(path, *sides, ranking.query.all_terms))
        answer = ComparisonAnswer(
            source=source,
            from_version=old.version,
            to_version=new.version,
            pages=[page for page, _ in compared],
        )
        _fill(compared, max_tokens)
        return answer


async def _side(reader: DocsReader, path: str, release: ReleaseInfo) -> _Side | None:
    found = await reader.pages_by_path(path, release.source, release.version)
    return _Side(found[0], await reader.passages(found[0].page_id)) if found else None


def _compared(
    path: str, old: _Side | None, new: _Side | None, terms: dict[str, float]
) -> tuple[ComparedPage, list[Change]]:
    side = new or old
    assert side is not None
    found = changes(old.passages, new.passages, terms) if old and new else []
    state = "added" if old is None else "removed" if new is None else "changed" if found else "unchanged"
    page = ComparedPage(
        title=side.page.title,
        page=path,
        state=state,
        url_before=old.page.url if old else None,
        url_after=new.page.url if new else None,
    )
    return page, found


def _fill(compared: list[tuple[ComparedPage, list[Change]]], max_tokens: int) -> None:
    """Put in as many changes as fit, one of each page in turn, the most relevant first."""
    left = max_tokens - 80 * len(compared)
    for round_number in range(max((len(found) for _, found in compared), default=0)):
        for page, found in compared:
            if round_number >= len(found):
                continue
            part = _part(page, found[round_number])
            cost = estimate_tokens(part.before + part.after + part.heading + part.url) + 20
            if cost > left or page.omitted_changes:
                page.omitted_changes += 1
                continue
            left -= cost
            page.changes.append(part)


def _part(page: ComparedPage, change: Change) -> ChangedPart:
    url = page.url_after or page.url_before or ""
    before, after = (clip(text, _LONGEST_SIDE)[0] for text in (change.before, change.after))
    return ChangedPart(heading=change.heading, url=url_of(url, change.anchor), before=before, after=after)
