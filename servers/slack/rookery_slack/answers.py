"""The shapes of answers. What has nothing to say is left out of an answer, so every key is optional."""

from __future__ import annotations

from typing_extensions import TypedDict  # pydantic takes no other before Python 3.12


class Message(TypedDict, total=False):
    """A message. text is fenced markdown; thread_ts is set on replies, reply_count on roots."""

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
    omitted_tokens: int


class Channel(TypedDict, total=False):
    """A channel. kind: public, private, im or mpim."""

    id: str
    name: str
    kind: str
    topic: str
    purpose: str
    archived: bool
    members: int
    link: str


class Person(TypedDict, total=False):
    """A person. kind: member, guest, external or bot."""

    id: str
    name: str
    handle: str
    kind: str
    title: str
    tz: str
    deactivated: bool


class Answer(TypedDict, total=False):
    """What every answer may say of itself: how fresh, in which zone, what was left out and how to get it."""

    notice: str
    as_of: str
    gaps: int
    time_zone: str
    left_out: str
    next_cursor: str


class Channels(Answer, total=False):
    channels: list[Channel]


class People(Answer, total=False):
    people: list[Person]


class Conversation(Answer, total=False):
    channel: Channel
    range: str
    people: dict[str, str]
    messages: list[Message]


class Hit(TypedDict, total=False):
    """A conversation that matches, by its best message."""

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
    people: dict[str, str]
    results: list[Hit]


class Activity(TypedDict, total=False):
    """What happened in one channel: the figures, and the links to the busiest threads with how they begin."""

    channel: Channel
    messages: int
    threads: int
    people: int
    edited: int
    deleted: int
    highlights: list[Message]


class Digest(Answer, total=False):
    range: str
    people: dict[str, str]
    channels: list[Activity]


class Said(Answer, total=False):
    user: str
    range: str
    people: dict[str, str]
    channels: dict[str, str]
    messages: list[Message]


class Coverage(TypedDict, total=False):
    channel: str
    channel_id: str
    messages: int
    first: str
    last: str
    covered: list[list[str]]
    without_vector: int


class Status(Answer, total=False):
    channels: list[Coverage]
    messages: int
    semantic: str
    permalinks: str


class Draft(TypedDict, total=False):
    """What would be sent, or what was. confirm: pass it back to send exactly this."""

    channel: str
    text: str
    thread_ts: str
    confirm: str
    expires_s: int
    sent: bool
    permalink: str
