"""What can be observed of a Slack workspace: small facts, each with the time at which it was true.

An event, a line of an export or a page of history becomes facts; the store merges them. Merging is commutative and
idempotent: the same facts give the same rows in any order and any number of times. Times are aware datetimes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Any, Literal

ChannelKind = Literal["public", "private", "im", "mpim"]


class Source(IntEnum):
    """How a version of a message became known; the greater is believed where times are equal."""

    HEARSAY = 0  # quoted inside another event
    EVENT = 1
    SNAPSHOT = 2  # an export or a page of history


@dataclass(frozen=True, slots=True)
class MessageVersion:
    """A message as it was at `seen_ts`, last edited at `edit_ts` (its own ts when never)."""

    channel: str
    ts: datetime
    thread_ts: datetime | None
    author: str | None
    subtype: str | None
    text: str
    content: dict[str, Any] | None
    edit_ts: datetime
    seen_ts: datetime
    source: Source


@dataclass(frozen=True, slots=True)
class MessageDeleted:
    """A message is gone since `at`. It never comes back."""

    channel: str
    ts: datetime
    thread_ts: datetime | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Reaction:
    """`reactor` gave (or took back) an emoji at `at`."""

    channel: str
    ts: datetime
    emoji: str
    reactor: str
    present: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class ReactionsListed:
    """All reactions to a message were listed at `at`; those not listed then are gone."""

    channel: str
    ts: datetime
    at: datetime


@dataclass(frozen=True, slots=True)
class ChannelFact:
    """What is known of a channel at `at`; None where nothing is said."""

    id: str
    at: datetime
    workspace: str | None = None
    name: str | None = None
    kind: ChannelKind | None = None
    topic: str | None = None
    topic_at: datetime | None = None
    purpose: str | None = None
    purpose_at: datetime | None = None
    archived: bool | None = None
    shared: bool | None = None
    created: datetime | None = None
    previous_names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Membership:
    """`member` joined (or left) a channel at `at`."""

    channel: str
    member: str
    present: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class MembersListed:
    """All members of a channel were listed at `at`; those not listed then had left."""

    channel: str
    at: datetime


@dataclass(frozen=True, slots=True)
class UserFact:
    """A person or bot as of `updated` (Slack's own stamp), observed at `seen_at`."""

    id: str
    updated: datetime
    seen_at: datetime
    workspace: str | None = None
    name: str | None = None
    real_name: str | None = None
    display_name: str | None = None
    title: str | None = None
    tz: str | None = None
    is_bot: bool = False
    is_guest: bool = False
    is_stranger: bool = False
    is_deactivated: bool = False


@dataclass(frozen=True, slots=True)
class GroupFact:
    """A user group as of `updated`; `members` is None where they are not listed."""

    id: str
    updated: datetime
    handle: str | None = None
    name: str | None = None
    members: tuple[str, ...] | None = None
    is_deleted: bool = False


@dataclass(frozen=True, slots=True)
class WorkspaceFact:
    """The workspace itself, as seen at `seen_at`. url ends without a slash."""

    id: str
    seen_at: datetime
    url: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class FileDeleted:
    """A file is gone; messages that carry it no longer show it."""

    id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ChannelMoved:
    """A channel's id changed; what is said under the old one belongs to the new one."""

    old_id: str
    new_id: str
    at: datetime


@dataclass(slots=True)
class Observations:
    """A batch of facts, to be merged in one transaction."""

    workspaces: list[WorkspaceFact] = field(default_factory=list[WorkspaceFact])
    channels: list[ChannelFact] = field(default_factory=list[ChannelFact])
    moves: list[ChannelMoved] = field(default_factory=list[ChannelMoved])
    users: list[UserFact] = field(default_factory=list[UserFact])
    groups: list[GroupFact] = field(default_factory=list[GroupFact])
    member_lists: list[MembersListed] = field(default_factory=list[MembersListed])
    members: list[Membership] = field(default_factory=list[Membership])
    messages: list[MessageVersion] = field(default_factory=list[MessageVersion])
    deletions: list[MessageDeleted] = field(default_factory=list[MessageDeleted])
    reaction_lists: list[ReactionsListed] = field(default_factory=list[ReactionsListed])
    reactions: list[Reaction] = field(default_factory=list[Reaction])
    deleted_files: list[FileDeleted] = field(default_factory=list[FileDeleted])

    def add(self, other: Observations) -> None:
        """Take in the facts of another batch."""
        for name in Observations.__slots__:
            getattr(self, name).extend(getattr(other, name))

    def halves(self) -> tuple[Observations, Observations]:
        """The observations in two parts; merging both is the same as merging all."""
        first, second = Observations(), Observations()
        left = (len(self) + 1) // 2
        for name in Observations.__slots__:
            observations = getattr(self, name)
            getattr(first, name).extend(observations[:left])
            getattr(second, name).extend(observations[left:])
            left -= min(left, len(observations))
        return first, second

    def description(self) -> str:
        """What the first observation is about, in a few words."""
        for name in Observations.__slots__:
            for observation in getattr(self, name):
                named = getattr(observation, "channel", None) or getattr(observation, "id", "")
                return f"{name} {named} {getattr(observation, 'ts', '')}".strip()[:120]
        return ""

    def __len__(self) -> int:
        return sum(len(getattr(self, name)) for name in Observations.__slots__)

    def __bool__(self) -> bool:
        return any(getattr(self, name) for name in Observations.__slots__)
