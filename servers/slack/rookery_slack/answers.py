"""The shapes of answers. What has nothing to say is left out of an answer, so every key is optional.

Each shape stands in the schema of every tool that answers with it, which every client pays for: few keys, short names,
and what they mean said here and in the tools' docstrings. Times are ISO 8601 in the asker's zone. `text` is fenced
markdown; `thread_ts` is set on replies, `reply_count` on the first message of a thread; `omitted` counts tokens cut from
a text. `as_of`: up to when the channels concerned are known; `gaps`: stretches missing before that.
"""

# Docstrings of these classes would be part of the published schemas.
from __future__ import annotations

from typing_extensions import TypedDict  # pydantic takes no other before Python 3.12


class Message(TypedDict, total=False):
    ts: str
    time: str
    author: str
    text: str
    permalink: str
    thread_ts: str
    reply_count: int
    reactions: dict[str, int]
    edited: str
    deleted: bool
    omitted: int


class Channel(TypedDict, total=False):
    id: str
    name: str
    kind: str
    topic: str
    purpose: str
    archived: bool
    members: int
    link: str


class Person(TypedDict, total=False):
    id: str
    name: str
    handle: str
    kind: str
    title: str
    tz: str
    deactivated: bool


class Page(TypedDict, total=False):
    left_out: str
    next_cursor: str


class Channels(Page, total=False):
    channels: list[Channel]


class People(Page, total=False):
    people: list[Person]


class Answer(Page, total=False):
    notice: str
    as_of: str
    gaps: int


class Conversation(Answer, total=False):
    channel: str
    channel_id: str
    topic: str
    range: str
    people: dict[str, str]
    messages: list[Message]


class Hit(TypedDict, total=False):
    channel: str
    channel_id: str
    ts: str
    time: str
    author: str
    text: str
    permalink: str
    score: float
    thread_ts: str
    thread_matches: int
    reply_count: int


class Found(Answer, total=False):
    searched: str
    results: list[Hit]


class Highlight(TypedDict, total=False):
    time: str
    author: str
    text: str
    permalink: str
    reply_count: int
    omitted: int


class Activity(TypedDict, total=False):
    channel: str
    channel_id: str
    messages: int
    threads: int
    people: int
    edited: int
    deleted: int
    highlights: list[Highlight]


class Digest(Answer, total=False):
    range: str
    channels: list[Activity]


class Said(Answer, total=False):
    user: str
    range: str
    people: dict[str, str]
    messages: list[Message]


class Coverage(TypedDict, total=False):
    channel: str
    channel_id: str
    messages: int
    first: str
    last: str
    covered: list[list[str]]
    gaps: int
    without_vector: int


class Status(TypedDict, total=False):
    channels: list[Coverage]
    messages: int
    permalinks: str
    as_of: str
    gaps: int
    left_out: str


class Draft(TypedDict, total=False):
    channel: str
    thread_ts: str
    text: str
    confirm: str
    expires_s: int
    sent: bool
    permalink: str
