"""Small facts about a Slack workspace, for tests to fill a store with."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rookery_core.identity import Caller
from rookery_slack.observations import (
    ChannelFact,
    ChannelKind,
    Membership,
    MembersListed,
    MessageVersion,
    Observations,
    Source,
    UserFact,
)
from rookery_slackapi.timestamps import parse_ts

if TYPE_CHECKING:
    from rookery_core.database import Database

INGEST = Caller(kind="agent")


def at(ts: str) -> datetime:
    """The moment of a ts."""
    moment = parse_ts(ts)
    assert moment is not None
    return moment


def said(
    channel: str, ts: str, text: str, author: str = "U1", *, thread: str | None = None, **content: Any
) -> Observations:
    """A message."""
    moment = at(ts)
    version = MessageVersion(
        channel,
        moment,
        at(thread) if thread else None,
        author,
        None,
        text,
        content or None,
        moment,
        moment,
        Source.EVENT,
    )
    return Observations(messages=[version])


def channel(
    channel_id: str, name: str, kind: ChannelKind = "public", members: tuple[str, ...] = (), **more: Any
) -> Observations:
    """A channel with these members."""
    moment = datetime(2024, 1, 1, tzinfo=UTC)
    return Observations(
        channels=[ChannelFact(channel_id, moment, name=name, kind=kind, **more)],
        member_lists=[MembersListed(channel_id, moment)],
        members=[Membership(channel_id, member, True, moment) for member in members],
    )


def person(user_id: str, name: str, **more: Any) -> Observations:
    """A person."""
    moment = datetime(2024, 1, 1, tzinfo=UTC)
    return Observations(users=[UserFact(user_id, moment, moment, name=name.lower(), real_name=name, **more)])


def together(*facts: Observations) -> Observations:
    """All of these."""
    every = Observations()
    for each in facts:
        every.add(each)
    return every


class OpenGate:
    """A database that is there already."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def database(self, patience_s: float = 4.0) -> Database:
        return self._database
