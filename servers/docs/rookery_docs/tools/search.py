"""search_docs and list_sources."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from rookery_core.errors import InvalidInput
from rookery_core.identity import current_caller
from rookery_core.serving.arguments import Cursor, Limit, MaxTokens
from rookery_core.serving.paging import Page
from rookery_core.text import estimate_tokens_of
from rookery_docs.answers import FoundPage, FoundPassage, SearchAnswer, SourceInfo, SourcesAnswer, VersionInfo
from rookery_docs.links import url_of
from rookery_docs.releases import ALL, require_weight, selected
from rookery_docs.search.reranking import DEPTH
from rookery_docs.service import DocsService
from rookery_docs.store.reader import ReleaseInfo

if TYPE_CHECKING:
    from rookery_docs.search.engine import RankedPage, RankedPassage
    from rookery_docs.search.query import Terms

DEEPEST = 200
_FIRST_SNIPPET = 700
_FURTHER_SNIPPET = 260


class SearchTools:
    """Finding pages."""

    def __init__(self, service: DocsService) -> None:
        self._service = service

    async def search_docs(
        self,
        query: Annotated[str, Field(min_length=1, max_length=4000)],
        source: Annotated[
            str | None, Field(description="one source (see list_sources); default: all")
        ] = None,
        version: Annotated[
            str | None, Field(description="such as '17'; 'all'; default: the newest of each source")
        ] = None,
        mode: Literal["hybrid", "keyword", "semantic"] = "hybrid",
        semantic_weight: Annotated[
            float | None, Field(ge=0, le=1, description="hybrid only: 0 lexical, 1 semantic alone")
        ] = None,
        limit: Limit = 8,
        max_tokens: MaxTokens = 3_000,
        cursor: Cursor = "",
    ) -> SearchAnswer:
        """Search documentation: manuals, API references, guides.

        Use it for any question about how something works, what an option, function or error code means, or how to do
        something. Ask in plain words, give an exact identifier (work_mem, CREATE INDEX, 40P01), or paste an error
        message. Answers with pages, best first, each with its best passages, their headings and exact URLs to cite.
        If a snippet is not enough, read the passage with get_document.
        """
        require_weight(semantic_weight, mode)
        if not query.strip():
            raise InvalidInput("query must not be empty.", hint="Say what to look for.")
        releases = selected(await self._service.releases(), source, version)
        arguments = [query, source, version, mode, semantic_weight]
        page = Page.open("search_docs", arguments, cursor, max_tokens)
        start = min(page.offset, DEEPEST)
        ranking = await self._service.engine.rank(
            await self._service.database(),
            current_caller(),
            query,
            releases,
            mode=mode,
            semantic_weight=semantic_weight,
            most=DEEPEST if version == ALL else min(DEEPEST, max(start + limit + 1, DEPTH)),
        )
        groups = _by_name(ranking.pages) if version == ALL else [[page] for page in ranking.pages]
        groups = await self._reranked(query, groups)
        terms = ranking.query.all_terms
        answer = SearchAnswer(
            results=_fill(page, (_shown(group, terms) for group in groups[start : start + limit])),
            searched=[f"{release.source} {release.version}" for release in releases],
            corrected=ranking.corrected,
            note=ranking.note,
        )
        answer.next_cursor = page.next_cursor(more=page.next_offset < min(len(groups), DEEPEST))
        return answer

    async def list_sources(self) -> SourcesAnswer:
        """List the documentation that can be searched: sources, their versions, how many pages, how fresh.

        Use it to learn the values of `source` and `version` for the other tools.
        """
        found: dict[str, SourceInfo] = {}
        for release in await self._service.releases():
            info = SourceInfo(source=release.source, title=release.title, kind=release.kind, versions=[])
            found.setdefault(release.source, info).versions.append(_version(release))
        note = None if found else "Nothing is imported yet: `rookery-ingest docs add NAME PATH` does."
        return SourcesAnswer(sources=list(found.values()), note=note)

    async def _reranked(self, query: str, groups: list[list[RankedPage]]) -> list[list[RankedPage]]:
        """The groups with the first of them in the order of the reranker, if there is one and it answers."""
        reranker = self._service.reranker
        if reranker is None or len(groups) < 2:
            return groups
        first = groups[:DEPTH]
        best = [page.telling[0] for page, *_ in first]
        written = [" - ".join(passage.heading_path) + "\n" + passage.text for passage in best]
        order = await reranker.order(query, written)
        return groups if order is None else [first[number] for number in order] + groups[DEPTH:]


def _shown(group: list[RankedPage], terms: Terms) -> FoundPage:
    """A page as it is answered, and which further versions have it."""
    page, *others = group
    return FoundPage(
        title=page.title,
        source=page.release.source,
        version=page.release.version,
        page=page.path,
        url=page.url,
        score=round(page.score, 4),
        passages=[
            _passage(passage, page, terms, _FURTHER_SNIPPET if number else _FIRST_SNIPPET)
            for number, passage in enumerate(page.telling)
        ],
        also_in=[other.release.version for other in others],
    )


def _passage(passage: RankedPassage, page: RankedPage, terms: Terms, longest: int) -> FoundPassage:
    from rookery_docs.search.snippets import snippet

    return FoundPassage(
        heading=" > ".join(passage.heading_path),
        url=url_of(page.url, passage.anchor),
        snippet=snippet(passage.text, terms, longest),
        score=round(passage.score, 4),
        distance=None if passage.distance is None else round(passage.distance, 4),
    )


def _by_name(pages: list[RankedPage]) -> list[list[RankedPage]]:
    """Pages of the same source and name together, the newest first, in the order of each group's best."""
    groups: dict[tuple[str, str], list[RankedPage]] = {}
    for page in pages:
        groups.setdefault((page.release.source, page.path), []).append(page)
    order = {id(page): number for number, page in enumerate(pages)}
    for group in groups.values():
        group.sort(key=lambda page: (page.release.age, order[id(page)]))
    return list(groups.values())


def _fill(page: Page, results: Iterable[FoundPage]) -> list[FoundPage]:
    """As many results as fit; at least one, whose snippets are cut if need be. No more are made than that."""
    first, room_tokens = True, page.room_tokens

    def cost_tokens(result: FoundPage) -> int:
        nonlocal first
        cost = estimate_tokens_of(result.model_dump(exclude_none=True))
        if first and cost > room_tokens:
            _shorten(result, room_tokens)
        first = False
        return cost

    return page.fill(results, cost_tokens)


def _shorten(result: FoundPage, max_tokens: int) -> None:
    result.passages = result.passages[:1]
    passage = result.passages[0]
    cost = estimate_tokens_of(result.model_dump(exclude_none=True))
    if cost > max_tokens:
        keep = max(80, len(passage.snippet) - 4 * (cost - max_tokens))
        passage.snippet = passage.snippet[:keep].rstrip() + (" …" if keep < len(passage.snippet) else "")


def _version(release: ReleaseInfo) -> VersionInfo:
    return VersionInfo(
        version=release.version,
        pages=release.pages,
        passages=release.passages,
        base_url=release.base_url,
        imported_at=release.imported_at.isoformat(timespec="seconds") if release.imported_at else None,
        latest=release.latest,
    )
