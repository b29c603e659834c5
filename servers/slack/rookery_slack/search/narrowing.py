"""What a search is narrowed to, from arguments and from modifiers in the query (`from:@ada in:#general has:link`)."""

from __future__ import annotations

import re
from dataclasses import astuple, dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from rookery_core.dates import parse_datetime
from rookery_core.errors import RookeryError
from rookery_slack.resolving import resolve_channel, resolve_user

if TYPE_CHECKING:
    from datetime import tzinfo

    from rookery_slack.store.session import Session

Has = Literal["file", "link", "reaction"]
_MODIFIER = re.compile(r"(?<!\S)(from|in|after|before|has|is):(\"[^\"]+\"|\S+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Narrowing:
    """In the order of the database's type slack.narrowing. None: not narrowed by that."""

    channels: list[str] | None = None
    authors: list[str] | None = None
    from_ts: datetime | None = None
    to_ts: datetime | None = None
    has_file: bool | None = None
    has_link: bool | None = None
    has_reaction: bool | None = None
    in_thread: bool | None = None
    thread_channel: str | None = None
    thread_ts: datetime | None = None

    def row(self) -> tuple[Any, ...]:
        """As a parameter of a statement."""
        return astuple(self)

    @property
    def leaves_all(self) -> bool:
        """Whether it says nothing."""
        return self == Narrowing()

    @property
    def only_place_and_end(self) -> bool:
        """Whether it says no more than in which channels and until when."""
        return replace(self, to_ts=None, channels=None).leaves_all


@dataclass(slots=True)
class Asked:
    """A query without its modifiers, what they narrow to, and how that reads; and those that name nothing known."""

    text: str
    narrow: Narrowing
    told: list[str] = field(default_factory=list[str])
    unknown: list[str] = field(default_factory=list[str])


async def read_modifiers(
    session: Session, query: str, narrow: Narrowing, zone: tzinfo, now: datetime
) -> Asked:
    """Take Slack's modifiers out of the query. One that names nothing known stays in it, as words."""
    asked = Asked("", narrow)
    kept: list[str] = []
    at = 0
    for found in _MODIFIER.finditer(query):
        kept.append(query[at : found.start()])
        at = found.end()
        try:
            asked.narrow = await _narrowed(
                session, asked.narrow, found[1].lower(), found[2].strip('"'), zone, now
            )
        except RookeryError:
            kept.append(found[0])
            asked.unknown.append(found[0])
        else:
            asked.told.append(found[0])
    asked.text = "".join([*kept, query[at:]]).strip()
    return asked


async def _narrowed(
    session: Session, narrow: Narrowing, name: str, value: str, zone: tzinfo, now: datetime
) -> Narrowing:
    match name:
        case "from":
            return replace(narrow, authors=[*(narrow.authors or []), await resolve_user(session, value)])
        case "in":
            channel, _ = await resolve_channel(session, value)
            return replace(narrow, channels=[*(narrow.channels or []), channel])
        case "after":
            return replace(narrow, from_ts=parse_datetime(value, zone=zone, now=now, field="after"))
        case "before":
            return replace(narrow, to_ts=parse_datetime(value, zone=zone, now=now, field="before", end=True))
        case _:
            return having(narrow, value.lower())


def having(narrow: Narrowing, what: str) -> Narrowing:
    """Narrowed to messages with a file, a link or a reaction, or in a thread. Raises RookeryError for others."""
    flags = {"file": "has_file", "link": "has_link", "reaction": "has_reaction", "thread": "in_thread"}
    if what not in flags:
        raise RookeryError(f"has: {what} is not file, link, reaction or thread.")
    return replace(narrow, **{flags[what]: True})
