"""What the tools answer: bounded, with an exact link for every item."""

from __future__ import annotations

from pydantic import BaseModel, Field


class FoundPassage(BaseModel):
    """A passage that answers."""

    heading: str
    url: str = Field(description="exact link, with the anchor")
    snippet: str
    score: float
    distance: float | None = None


class FoundPage(BaseModel):
    """A page with its best passages."""

    title: str
    source: str
    version: str
    page: str = Field(description="pass it to get_document, with source and version")
    url: str
    score: float
    passages: list[FoundPassage]
    also_in: list[str] = []


class SearchAnswer(BaseModel):
    """Pages found, best first."""

    results: list[FoundPage]
    searched: list[str]
    corrected: dict[str, str] = Field(default={})
    note: str | None = None
    next_cursor: str | None = Field(default=None)


class Section(BaseModel):
    """A heading of a page."""

    heading: str
    anchor: str | None = None


class DocumentAnswer(BaseModel):
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


class VersionInfo(BaseModel):
    """One version of a source."""

    version: str
    pages: int
    passages: int
    base_url: str
    imported_at: str | None = None
    latest: bool = False


class SourceInfo(BaseModel):
    """A body of documentation."""

    source: str
    title: str
    kind: str
    versions: list[VersionInfo]


class SourcesAnswer(BaseModel):
    """What can be searched."""

    sources: list[SourceInfo]
    note: str | None = None
