"""Who people are and what kind of conversation this is. Whoever cannot be looked up counts as an outsider."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar
from zoneinfo import ZoneInfo

from rookery_core.identity import RoomKind
from rookery_core.telemetry import get_logger
from rookery_slackapi.errors import SlackRefused, SlackUnavailable
from rookery_slackapi.web import SlackApi

Json = dict[str, Any]
PersonKind = Literal["member", "guest", "outsider"]
_FRESH_S = 600.0
MAX_LOOKED_UP = 50
"""Of a larger channel, the members are compared with a list of the workspace's staff."""
logger = get_logger(__name__)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Identity:
    """The bot itself, from auth.test."""

    user: str
    bot_id: str
    team: str
    url: str
    enterprise: str | None = None

    def permalink(self, channel: str, ts: str, thread_ts: str | None = None) -> str:
        """The address of a message in this workspace. thread_ts: of the thread that it is a reply in."""
        url = f"{self.url}archives/{channel}/p{ts.replace('.', '')}"
        return f"{url}?thread_ts={thread_ts}&cid={channel}" if thread_ts and thread_ts != ts else url


@dataclass(frozen=True, slots=True)
class SlackUser:
    """A person as others see them. zone is an IANA name."""

    id: str
    name: str
    kind: PersonKind
    zone: str = "UTC"
    is_bot: bool = False
    team: str | None = None

    def local_time(self, now: datetime) -> datetime:
        """That moment on the person's clock; in UTC where the zone is not known."""
        try:
            return now.astimezone(ZoneInfo(self.zone))
        except (KeyError, ValueError, OSError):
            return now.astimezone(ZoneInfo("UTC"))


@dataclass(frozen=True, slots=True)
class Room:
    """A conversation. shared: people of other organisations may read it. guests: guests may."""

    id: str
    name: str
    private: bool
    shared: bool
    purpose: str = ""
    guests: bool = False

    @property
    def is_direct(self) -> bool:
        return self.id.startswith("D")

    @property
    def kind(self) -> RoomKind:
        """Who reads what is said here."""
        if self.shared:
            return "shared"
        if self.is_direct:
            return "direct"
        if self.guests:
            return "guests"
        return "private" if self.private else "public"


class _Fresh(Generic[T]):
    """Values by key, kept for a while, at most 5,000 of them."""

    def __init__(self, clock: Callable[[], float], fresh_s: float = _FRESH_S) -> None:
        self._clock = clock
        self._fresh_s = fresh_s
        self._kept: OrderedDict[str, tuple[float, T]] = OrderedDict()

    async def get(self, key: str, fetch: Callable[[str], Awaitable[T]]) -> T:
        kept = self._kept.get(key)
        if kept is not None and kept[0] > self._clock():
            return kept[1]
        value = await fetch(key)
        self._kept[key] = (self._clock() + self._fresh_s, value)
        self._kept.move_to_end(key)
        while len(self._kept) > 5000:
            self._kept.popitem(last=False)
        return value


class Directory:
    """Looks people and conversations up, and remembers them for a while."""

    def __init__(self, api: SlackApi, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._api = api
        self._people: _Fresh[SlackUser] = _Fresh(clock)
        self._rooms: _Fresh[Room] = _Fresh(clock)
        self._members: _Fresh[list[str]] = _Fresh(clock, 60.0)
        self._staff: _Fresh[frozenset[str]] = _Fresh(clock)
        self._identity: Identity | None = None

    async def identity(self) -> Identity:
        """The bot itself. Raises SlackRefused for a token that is not valid."""
        if self._identity is None:
            who = await self._api("auth.test")
            self._identity = Identity(
                user=who["user_id"],
                bot_id=who.get("bot_id", ""),
                team=who["team_id"],
                url=who.get("url", ""),
                enterprise=who.get("enterprise_id"),
            )
        return self._identity

    async def person(self, user: str) -> SlackUser:
        """The person; an unknown one is an outsider. Raises SlackUnavailable when Slack cannot say now."""
        return await self._people.get(user, self._fetch_person)

    async def room(self, channel: str) -> Room:
        """The conversation and who reads it; one that cannot be looked at counts as shared."""
        room = await self._rooms.get(channel, self._fetch_room)
        if room.is_direct or room.shared:
            return room
        return replace(room, guests=await self._has_guests(channel))

    async def _has_guests(self, channel: str) -> bool:
        """Whether anybody in a channel is not of the staff. Who cannot be looked up is not; a channel without members,
        too, because nobody can tell who reads there."""
        members = await self.members(channel)
        if not members:
            return True
        try:
            if len(members) > MAX_LOOKED_UP:
                return not (await self._staff.get("", self._fetch_staff)).issuperset(members)
            people = await asyncio.gather(*(self.person(member) for member in members))
        except (SlackRefused, SlackUnavailable) as error:
            logger.info(
                "cannot see whether guests are in %s (%s): taken for a channel with guests", channel, error
            )
            return True
        return any(person.kind != "member" and not person.is_bot for person in people)

    async def _fetch_staff(self, _: str) -> frozenset[str]:
        """The members of the workspace and its bots, without guests and people of other organisations."""
        own = await self.identity()
        found: set[str] = set()
        cursor: str | None = None
        while True:
            page = await self._api("users.list", limit=1000, cursor=cursor)
            people = (_person(shape, own) for shape in page["members"])
            found |= {person.id for person in people if person.kind == "member" or person.is_bot}
            following: Json = page.get("response_metadata") or {}
            cursor = following.get("next_cursor")
            if not cursor:
                return frozenset(found)

    async def members(self, channel: str) -> list[str]:
        """Who is in a conversation, as of at most a minute ago; nobody when it cannot be looked at."""
        return await self._members.get(channel, self._fetch_members)

    async def is_in(self, user: str, channel: str) -> bool:
        return user in await self.members(channel)

    async def names(self, users: set[str]) -> dict[str, str]:
        """Display names for ids; an id for whom there is none just now."""
        found: dict[str, str] = {}
        for user in users:
            try:
                found[user] = (await self.person(user)).name
            except SlackUnavailable:
                found[user] = user
        return found

    async def _fetch_members(self, channel: str) -> list[str]:
        members: list[str] = []
        cursor: str | None = None
        try:
            while True:
                page = await self._api("conversations.members", channel=channel, limit=1000, cursor=cursor)
                members += page["members"]
                following: Json = page.get("response_metadata") or {}
                cursor = following.get("next_cursor")
                if not cursor:
                    return members
        except SlackRefused as error:
            logger.info("cannot see who is in %s (%s)", channel, error.reason)
            return []

    async def _fetch_person(self, user: str) -> SlackUser:
        try:
            answer = await self._api("users.info", user=user)
        except SlackRefused as error:
            logger.info("cannot look up %s (%s): taken for an outsider", user, error.reason)
            return SlackUser(user, user, "outsider")
        return _person(answer["user"], await self.identity())

    async def _fetch_room(self, channel: str) -> Room:
        try:
            shape: Json = (await self._api("conversations.info", channel=channel))["channel"]
        except SlackRefused as error:
            logger.info("cannot look at channel %s (%s): taken for a shared one", channel, error.reason)
            return Room(channel, channel, private=True, shared=True)
        shared = any(shape.get(name) for name in ("is_ext_shared", "is_pending_ext_shared"))
        shared = shared or (bool(shape.get("is_shared")) and not shape.get("is_org_shared"))
        purpose: Json = shape.get("purpose") or {}
        private = bool(shape.get("is_private") or shape.get("is_im") or shape.get("is_mpim"))
        return Room(
            channel, shape.get("name") or "direct message", private, shared, str(purpose.get("value", ""))
        )


def _person(shape: Json, own: Identity) -> SlackUser:
    profile: Json = shape.get("profile") or {}
    name = (
        profile.get("real_name") or shape.get("real_name") or profile.get("display_name") or shape.get("name")
    )
    return SlackUser(
        id=shape["id"],
        name=str(name or shape["id"]),
        kind=_kind(shape, own),
        zone=str(shape.get("tz") or "UTC"),
        is_bot=bool(shape.get("is_bot")),
        team=shape.get("team_id"),
    )


def _kind(shape: Json, own: Identity) -> PersonKind:
    enterprise: Json = shape.get("enterprise_user") or {}
    same_company = bool(own.enterprise) and enterprise.get("enterprise_id") == own.enterprise
    if shape.get("is_stranger") or (shape.get("team_id") not in (None, own.team) and not same_company):
        return "outsider"
    if shape.get("is_restricted") or shape.get("is_ultra_restricted"):
        return "guest"
    return "member"
