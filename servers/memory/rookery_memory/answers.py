"""What the tools answer. A field that is not required is left out when there is nothing in it."""

from __future__ import annotations

from typing import Annotated, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

Cursor = Annotated[str, Field(description="for more, with the same arguments")]


class MemoryItem(TypedDict):
    id: Annotated[str, Field(description="cite it where there is no source")]
    scope: str
    kind: str
    content: str
    source: NotRequired[str]
    tags: NotRequired[list[str]]
    author: NotRequired[str]
    pinned: NotRequired[bool]
    valid_from: str
    valid_until: NotRequired[Annotated[str, Field(description="untrue from here on")]]
    recorded_at: str
    version: NotRequired[int]
    superseded_by: NotRequired[str]
    score: NotRequired[float]
    omitted_tokens: NotRequired[int]
    related: NotRequired[list[str]]


class Similar(TypedDict):
    id: str
    content: str
    valid_from: str
    pinned: NotRequired[bool]
    score: float


class RememberAnswer(TypedDict):
    notice: NotRequired[str]
    id: str
    scope: str
    duplicate: Annotated[bool, Field(description="known word for word; source and tags were added to it")]
    superseded: list[str]
    similar: Annotated[list[Similar], Field(description="nearest others: is one untrue now?")]


class MemoriesAnswer(TypedDict):
    notice: NotRequired[str]
    memories: list[MemoryItem]
    note: NotRequired[str]
    scopes: Annotated[list[str], Field(description="what was searched")]
    next_cursor: NotRequired[Cursor]


class UpdateAnswer(TypedDict):
    id: str
    version: int
    valid_from: str


class ForgetAnswer(TypedDict):
    forgotten: list[str]


class AddTurnsAnswer(TypedDict):
    conversation: str
    scope: str
    added: int
    already_known: int
    refused: NotRequired[list[str]]


class TurnItem(TypedDict):
    conversation: str
    id: str
    speaker: str
    content: str
    said_at: NotRequired[str]
    score: float
    omitted_tokens: NotRequired[int]
    before: NotRequired[list[str]]
    after: NotRequired[list[str]]
    facts: NotRequired[Annotated[list[str], Field(description="remembered from this turn")]]


class TurnsAnswer(TypedDict):
    notice: NotRequired[str]
    turns: list[TurnItem]
    scopes: list[str]
    next_cursor: NotRequired[Cursor]
