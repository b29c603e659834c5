"""What the tools answer: bounded, with an exact link for every item."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


def _without_titles(schema: dict[str, Any]) -> None:
    """Titles repeat the names of fields; every client would pay for them in tokens."""
    schema.pop("title", None)
    for field in schema.get("properties", {}).values():
        field.pop("title", None)


class Answer(BaseModel):
    """What a tool answers, or a part of it."""

    model_config = ConfigDict(json_schema_extra=_without_titles)


class FoundPassage(Answer):
    """A passage that answers."""

    heading: str = Field(description="headings from the page's title down to the passage's own")
    url: str = Field(description="exact link, with the anchor")
    snippet: str
    score: float = Field(description="0 to 1, comparable within one answer")
    distance: float | None = Field(default=None, description="cosine distance to the query, lower is closer")


class FoundPage(Answer):
    """A page with its best passages."""

    title: str
    source: str
    version: str
    page: str = Field(description="pass it to get_document, with source and version")
    url: str
    score: float
    passages: list[FoundPassage]
    also_in: list[str] = Field(default=[], description="other versions whose page of this name was found too")


class SearchAnswer(Answer):
    """Pages found, best first."""

    results: list[FoundPage]
    searched: list[str] = Field(description="source and version of what was searched")
    corrected: dict[str, str] = Field(
        default={}, description="misspelt words of the query and what was searched"
    )
    note: str | None = None
    next_cursor: str | None = Field(
        default=None, description="pass it with the same arguments for further pages"
    )


class Section(Answer):
    """A heading of a page."""

    heading: str
    anchor: str | None = None


class DocumentAnswer(Answer):
    """A page, or a part of it, as Markdown."""

    title: str
    source: str
    version: str
    page: str
    url: str
    text: str
    sections: list[Section] = Field(description="the page's outline; pass an anchor or heading as section")
    omitted_tokens: int = Field(default=0, description="tokens left out after this part")
    next_cursor: str | None = None


class VersionInfo(Answer):
    """One version of a source."""

    version: str
    pages: int
    passages: int
    base_url: str
    imported_at: str | None = None
    latest: bool = False


class SourceInfo(Answer):
    """A body of documentation."""

    source: str
    title: str
    kind: str
    versions: list[VersionInfo]


class SourcesAnswer(Answer):
    """What can be searched."""

    sources: list[SourceInfo]
    note: str | None = None
