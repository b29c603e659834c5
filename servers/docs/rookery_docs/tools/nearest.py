"""semantic_search_postgres_docs and semantic_search_tiger_docs: the nearest passages, under the names clients know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, Field

from rookery_core.identity import current_caller
from rookery_core.serving.arguments import Limit
from rookery_core.text import clip
from rookery_docs.links import url_of
from rookery_docs.releases import selected
from rookery_docs.service import DocsService

if TYPE_CHECKING:
    from rookery_docs.search.engine import RankedPage, RankedPassage

POSTGRES = "postgres"
TIGER = "tiger"
_LONGEST = 900
"""Tokens of a passage; a long table is cut."""


class NearPassage(BaseModel):
    """A passage near the prompt."""

    id: int
    content: str
    metadata: dict[str, str]
    distance: float


class NearAnswer(BaseModel):
    """Passages, closest first."""

    results: list[NearPassage]


class NearestTools:
    """Semantic search alone."""

    def __init__(self, service: DocsService) -> None:
        self._service = service

    async def semantic_search_postgres_docs(
        self,
        prompt: Annotated[str, Field(min_length=1, max_length=4000, description="a question in plain words")],
        version: Annotated[int | None, Field(ge=7, le=99, description="default: the newest")] = None,
        limit: Limit = 10,
    ) -> NearAnswer:
        """Passages of the PostgreSQL manual (source postgres, where it is imported) by semantic search alone, closest first.

        search_docs is usually better: it also matches words and identifiers.
        """
        return await self._near(POSTGRES, None if version is None else str(version), prompt, limit)

    async def semantic_search_tiger_docs(
        self,
        prompt: Annotated[str, Field(min_length=1, max_length=4000, description="a question in plain words")],
        limit: Limit = 10,
    ) -> NearAnswer:
        """Passages of the TimescaleDB manual (source tiger, where it is imported) by semantic search alone, closest first.

        search_docs is usually better: it also matches words and identifiers.
        """
        return await self._near(TIGER, None, prompt, limit)

    async def _near(self, source: str, version: str | None, prompt: str, limit: int) -> NearAnswer:
        releases = selected(await self._service.releases(), source, version)
        ranking = await self._service.engine.rank(
            await self._service.database(), current_caller(), prompt, releases, mode="semantic", most=limit
        )
        found = [_near_passage(page, passage) for page in ranking.pages for passage in page.passages]
        found.sort(key=lambda each: (each.distance, each.id))
        return NearAnswer(results=found[:limit])


def _near_passage(page: RankedPage, passage: RankedPassage) -> NearPassage:
    content, _ = clip(passage.text, _LONGEST)
    metadata = {
        "source_url": url_of(page.url, passage.anchor),
        "header": " > ".join(passage.heading_path),
        "title": page.title,
        "version": page.release.version,
    }
    distance = 1.0 - passage.score if passage.distance is None else passage.distance
    return NearPassage(id=passage.content_id, content=content, metadata=metadata, distance=round(distance, 4))
