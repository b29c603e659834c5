"""Filters of a search, from arguments and from Slack's modifiers in the query (`from:@ada -in:#random on:yesterday`)."""

from __future__ import annotations

import re
from dataclasses import astuple, dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from rookery_core.dates import parse_datetime, parse_period
from rookery_core.errors import InvalidInput, RookeryError
from rookery_slack.lookup import resolve_channel, resolve_same_named

if TYPE_CHECKING:
    from datetime import tzinfo

    from rookery_slack.store.session import Session

Has = Literal["file", "link", "reaction"]
_FLAGS = {"file": "has_file", "link": "has_link", "reaction": "has_reaction", "thread": "in_thread"}
_PART = re.compile(
    r"""(?<!\S)(?:
        (?P<minus>-?)(?P<name>from|in|to|after|before|on|during|has|is):(?P<value>"[^"]+"|\S+)
        | -(?P<phrase>"[^"]{2,}")
        | -(?P<word>[^\W\d_][\w.'-]{2,})(?!\S)
    )""",
    re.IGNORECASE | re.VERBOSE,
)
MAX_EXCLUDED_WORDS = 20


@dataclass(frozen=True, slots=True)
class SearchFilter:
    """In the order of the database's type slack.narrowing. None: no such condition. without_words: a tsquery's text."""

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
    without_channels: list[str] | None = None
    without_authors: list[str] | None = None
    without_words: str | None = None

    def row(self) -> tuple[Any, ...]:
        """As a parameter of a statement."""
        return astuple(self)

    @property
    def is_empty(self) -> bool:
        """Whether it has no condition."""
        return self == SearchFilter()

    @property
    def only_place_and_end(self) -> bool:
        """Whether it names no more than channels and an end."""
        return replace(self, to_ts=None, channels=None).is_empty

    def require(self, what: str, *, present: bool = True) -> SearchFilter:
        """With (or without) a file, a link or a reaction, or in a thread. Raises InvalidInput for anything else."""
        if what not in _FLAGS:
            raise InvalidInput(f"has must be one of {', '.join(_FLAGS)}")
        return replace(self, **{_FLAGS[what]: present})

    def within(self, start: datetime | None, end: datetime | None) -> SearchFilter:
        """In that time, both ends included, and still in the time it has."""
        starts, ends = [self.from_ts, start], [self.to_ts, end]
        return replace(
            self,
            from_ts=max((bound for bound in starts if bound), default=None),
            to_ts=min((bound for bound in ends if bound), default=None),
        )


@dataclass(slots=True)
class ParsedQuery:
    """A query without its modifiers: the words, the filter, the modifiers that made it, and notes on the others."""

    text: str
    filter: SearchFilter
    modifiers: list[str] = field(default_factory=list[str])
    notes: list[str] = field(default_factory=list[str])


async def parse_modifiers(
    session: Session, query: str, search_filter: SearchFilter, zone: tzinfo, now: datetime
) -> ParsedQuery:
    """Take Slack's modifiers and excluded words out of the query.

    What cannot be read stays in it as words, and a note says so: nothing that was written is dropped in silence.
    """
    parsed = ParsedQuery("", search_filter)
    excluded: list[str] = []
    words: list[str] = []
    position = 0
    for match in _PART.finditer(query):
        words.append(query[position : match.start()])
        position = match.end()
        if match["name"] is None:
            excluded.append(match["phrase"] or match["word"])
            parsed.modifiers.append(match[0])
            continue
        try:
            parsed.filter, note = await _apply(session, parsed.filter, match, zone, now)
        except RookeryError as error:
            words.append(match[0])
            parsed.notes.append(f"{match[0][:80]}: {_reason(error)}; taken as words")
        else:
            parsed.modifiers.append(match[0])
            if note:
                parsed.notes.append(note)
    parsed.text = "".join([*words, query[position:]]).strip()
    if excluded:
        without = await session.value("excluded_words", excluded[:MAX_EXCLUDED_WORDS])
        parsed.filter = replace(parsed.filter, without_words=without)
    return parsed


def _reason(error: RookeryError) -> str:
    candidates = f" (did you mean {', '.join(error.candidates)}?)" if error.candidates else ""
    return error.message.rstrip(".") + candidates


async def _apply(
    session: Session, search_filter: SearchFilter, match: re.Match[str], zone: tzinfo, now: datetime
) -> tuple[SearchFilter, str | None]:
    """The filter with one modifier, and what has to be said of it. Raises RookeryError for one that names nothing."""
    name, value, without = match["name"].lower(), match["value"].strip('"'), bool(match["minus"])
    match name:
        case "from":
            return await _with_author(session, search_filter, value, without=without)
        case "in":
            return await _with_channel(session, search_filter, value, without=without), None
        case "to":
            return await _with_recipient(session, search_filter, value, without=without), None
        case "has" | "is":
            return search_filter.require(value.lower(), present=not without), None
        case _ if without:
            raise InvalidInput(f"{name}: cannot be excluded")
        case "after":
            return search_filter.within(parse_datetime(value, zone=zone, now=now, field=name), None), None
        case "before":
            end = parse_datetime(value, zone=zone, now=now, field=name, end=True)
            return search_filter.within(None, end), None
        case _:
            return search_filter.within(*parse_period(value, zone=zone, now=now, field=name)), None


async def _with_author(
    session: Session, search_filter: SearchFilter, value: str, *, without: bool
) -> tuple[SearchFilter, str | None]:
    people = await resolve_same_named(session, value, field="from")
    ids = list(people)
    note = None
    if len(ids) > 1:
        names = ", ".join(people.values())
        note = f"from:{value[:60]} means {len(ids)} people, all of them are taken: {names}"
    if without:
        return replace(search_filter, without_authors=[*(search_filter.without_authors or []), *ids]), note
    return replace(search_filter, authors=[*(search_filter.authors or []), *ids]), note


async def _with_channel(
    session: Session, search_filter: SearchFilter, value: str, *, without: bool, field: str = "in"
) -> SearchFilter:
    channel, _ = await resolve_channel(session, value, field=field)
    if without:
        return replace(search_filter, without_channels=[*(search_filter.without_channels or []), channel])
    return replace(search_filter, channels=[*(search_filter.channels or []), channel])


async def _with_recipient(
    session: Session, search_filter: SearchFilter, value: str, *, without: bool
) -> SearchFilter:
    """`to:#general` is `in:#general`; a person is a recipient in Slack alone."""
    try:
        return await _with_channel(session, search_filter, value, without=without, field="to")
    except RookeryError:
        raise InvalidInput("to: takes a channel here; a recipient cannot be searched for") from None
