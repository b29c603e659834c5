"""Who people are and what kind of conversation this is. A person who cannot be looked up counts as an outsider."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
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
MAX_CACHED = 5000
MAX_LOOKED_UP = 50
"""The members of a larger channel are compared with a list of the workspace's staff."""
logger = get_logger(__name__)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the bot is, from auth.test."""

    user: str
    bot_id: str
    team: str
    url: str
    enterprise: str | None = None

    def permalink(self, channel: str, ts: str, thread_ts: str | None = None) -> str:
        """The URL of a message in this workspace. thread_ts: of the thread in which it is a reply."""
        url = f"{self.url}archives/{channel}/p{ts.replace('.', '')}"
        return f"{url}?thread_ts={thread_ts}&cid={channel}" if thread_ts and thread_ts != ts else url


@dataclass(frozen=True, slots=True)
class SlackUser:
    """A person with the name that others see. zone: IANA name of their time zone."""

    id: str
    name: str
    kind: PersonKind
    zone: str = "UTC"
    is_bot: bool = False
    team: str | None = None

    def local_time(self, now: datetime) -> datetime:
        """`now` in the person's time zone; in UTC when the zone is unknown."""
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


class _Cache(Generic[T]):
    """A cache: at most MAX_CACHED values, each for `fresh_s` seconds."""

    def __init__(self, clock: Callable[[], float], fresh_s: float = _FRESH_S) -> None:
        self._clock = clock
        self._fresh_s = fresh_s
        self._entries: OrderedDict[str, tuple[float, T]] = OrderedDict()

    async def get(self, key: str, fetch: Callable[[str], Awaitable[T]]) -> T:
        entry = self._entries.get(key)
        if entry is not None and entry[0] > self._clock():
            return entry[1]
        value = await fetch(key)
        self._entries[key] = (self._clock() + self._fresh_s, value)
        self._entries.move_to_end(key)
        while len(self._entries) > MAX_CACHED:
            self._entries.popitem(last=False)
        return value


class Directory:
    """Looks up people and conversations, with a cache."""

    def __init__(self, api: SlackApi, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._api = api
        self._people: _Cache[SlackUser] = _Cache(clock)
        self._rooms: _Cache[Room] = _Cache(clock)
        self._members: _Cache[list[str]] = _Cache(clock, 60.0)
        self._staff: _Cache[frozenset[str]] = _Cache(clock)
        self._identity: Identity | None = None

    async def read_identity(self) -> Identity:
        """The bot's identity. Raises SlackRefused or SlackLockedOut for an invalid token."""
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

    async def find_user(self, user: str) -> SlackUser:
        """The person; an unknown one is an outsider. Raises SlackUnavailable."""
        return await self._people.get(user, self._fetch_person)

    async def find_room(self, channel: str) -> Room:
        """The conversation and who reads it; one that the bot may not look up counts as shared.

        Raises SlackUnavailable.
        """
        room = await self._rooms.get(channel, self._fetch_room)
        if room.is_direct or room.shared:
            return room
        return replace(room, guests=await self._has_guests(channel))

    async def _has_guests(self, channel: str) -> bool:
        """Whether a channel has members outside of the staff. Unknown people and unknown members count as guests."""
        members = await self.list_members(channel)
        if not members:
            return True
        try:
            if len(members) > MAX_LOOKED_UP:
                return not (await self._staff.get("", self._fetch_staff)).issuperset(members)
            people = await asyncio.gather(*(self.find_user(member) for member in members))
        except (SlackRefused, SlackUnavailable) as error:
            logger.info(
                "cannot tell whether guests are in %s (%s): treated as a channel with guests", channel, error
            )
            return True
        return any(person.kind != "member" and not person.is_bot for person in people)

    async def _fetch_staff(self, _: str) -> frozenset[str]:
        """The members of the workspace and its bots, without guests and people of other organisations."""
        identity = await self.read_identity()
        staff: set[str] = set()
        cursor: str | None = None
        while True:
            page = await self._api("users.list", limit=1000, cursor=cursor)
            people = (_person(shape, identity) for shape in page["members"])
            staff |= {person.id for person in people if person.kind == "member" or person.is_bot}
            response: Json = page.get("response_metadata") or {}
            cursor = response.get("next_cursor")
            if not cursor:
                return frozenset(staff)

    async def list_members(self, channel: str) -> list[str]:
        """The members of a conversation, at most a minute old; empty when the bot may not list them."""
        return await self._members.get(channel, self._fetch_members)

    async def is_member(self, user: str, channel: str) -> bool:
        return user in await self.list_members(channel)

    async def display_names(self, users: set[str]) -> dict[str, str]:
        """Display names by id; the id itself where Slack is unavailable."""
        names: dict[str, str] = {}
        for user in users:
            try:
                names[user] = (await self.find_user(user)).name
            except SlackUnavailable:
                names[user] = user
        return names

    async def public_channel_names(self, channels: Iterable[str]) -> dict[str, str]:
        """Names by id of the public channels among these; others are not named to everybody."""
        names: dict[str, str] = {}
        for channel in channels:
            try:
                room = await self.find_room(channel)
            except SlackUnavailable:
                continue
            if not room.private:
                names[channel] = room.name
        return names

    async def _fetch_members(self, channel: str) -> list[str]:
        members: list[str] = []
        cursor: str | None = None
        try:
            while True:
                page = await self._api("conversations.members", channel=channel, limit=1000, cursor=cursor)
                members += page["members"]
                response: Json = page.get("response_metadata") or {}
                cursor = response.get("next_cursor")
                if not cursor:
                    return members
        except SlackRefused as error:
            logger.info("cannot list the members of %s (%s)", channel, error.reason)
            return []

    async def _fetch_person(self, user: str) -> SlackUser:
        try:
            answer = await self._api("users.info", user=user)
        except SlackRefused as error:
            logger.info("cannot look up %s (%s): treated as an outsider", user, error.reason)
            return SlackUser(user, user, "outsider")
        return _person(answer["user"], await self.read_identity())

    async def _fetch_room(self, channel: str) -> Room:
        try:
            shape: Json = (await self._api("conversations.info", channel=channel))["channel"]
        except SlackRefused as error:
            logger.info("cannot look up channel %s (%s): treated as shared", channel, error.reason)
            return Room(channel, channel, private=True, shared=True)
        shared = any(shape.get(name) for name in ("is_ext_shared", "is_pending_ext_shared"))
        shared = shared or (bool(shape.get("is_shared")) and not shape.get("is_org_shared"))
        purpose: Json = shape.get("purpose") or {}
        private = bool(shape.get("is_private") or shape.get("is_im") or shape.get("is_mpim"))
        return Room(
            channel, shape.get("name") or "direct message", private, shared, str(purpose.get("value", ""))
        )


def _person(shape: Json, identity: Identity) -> SlackUser:
    profile: Json = shape.get("profile") or {}
    name = (
        profile.get("real_name") or shape.get("real_name") or profile.get("display_name") or shape.get("name")
    )
    return SlackUser(
        id=shape["id"],
        name=str(name or shape["id"]),
        kind=_kind(shape, identity),
        zone=str(shape.get("tz") or "UTC"),
        is_bot=bool(shape.get("is_bot")),
        team=shape.get("team_id"),
    )


def _kind(shape: Json, identity: Identity) -> PersonKind:
    enterprise: Json = shape.get("enterprise_user") or {}
    same_company = bool(identity.enterprise) and enterprise.get("enterprise_id") == identity.enterprise
    if shape.get("is_stranger") or (shape.get("team_id") not in (None, identity.team) and not same_company):
        return "outsider"
    if shape.get("is_restricted") or shape.get("is_ultra_restricted"):
        return "guest"
    return "member"
