"""The workspace: everything that exists, changed in one place so that whoever waits for a change is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from emulators.slack.models import App, Channel, Ephemeral, Json, Message, StoredFile, User, UserGroup

TEAM_ID = "T0ROOKERY"
OTHER_TEAM_ID = "T0ELSEWHERE"


@dataclass
class Status:
    """The line under a thread that tells what the assistant is doing."""

    channel: str
    thread_ts: str
    text: str


@dataclass
class Workspace:
    """State of one workspace, with one app installed. Ids and timestamps count up: no clock, no chance."""

    app: App = field(default_factory=App)
    users: dict[str, User] = field(default_factory=dict[str, User])
    channels: dict[str, Channel] = field(default_factory=dict[str, Channel])
    messages: dict[str, dict[str, Message]] = field(default_factory=dict[str, dict[str, Message]])
    files: dict[str, StoredFile] = field(default_factory=dict[str, StoredFile])
    groups: dict[str, UserGroup] = field(default_factory=dict[str, UserGroup])
    ephemerals: list[Ephemeral] = field(default_factory=list[Ephemeral])
    statuses: list[Status] = field(default_factory=list[Status])
    titles: dict[str, str] = field(default_factory=dict[str, str])
    prompts: dict[str, list[Json]] = field(default_factory=dict[str, list[Json]])
    views: dict[str, Json] = field(default_factory=dict[str, Json])
    deleted: list[Message] = field(default_factory=list[Message])
    epoch: int = 1_760_000_000
    _replies: dict[tuple[str, str], set[str]] = field(default_factory=dict[tuple[str, str], set[str]])
    _ticks: int = 0
    _serial: int = 0
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    _notices: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    def __post_init__(self) -> None:
        self.users[self.app.bot_user] = User(self.app.bot_user, "rookery", "Rookery", TEAM_ID, is_bot=True)

    # -- identifiers ------------------------------------------------------------------------------------

    def next_ts(self) -> str:
        self._ticks += 1
        return f"{self.epoch + self._ticks // 100}.{self._ticks % 100:02d}0{self._ticks % 1000:03d}"

    def next_id(self, prefix: str) -> str:
        self._serial += 1
        return f"{prefix}{self._serial:08d}"

    # -- building a workspace ---------------------------------------------------------------------------

    def add_user(self, name: str, *, real_name: str | None = None, **attributes: object) -> User:
        stranger = attributes.get("membership") == "stranger"
        team = OTHER_TEAM_ID if stranger else TEAM_ID
        user = User(self.next_id("U"), name, real_name or name.title(), team, **attributes)  # type: ignore[arg-type]
        self.users[user.id] = user
        self.changed()
        return user

    def add_channel(
        self, name: str, members: list[str], *, bot: bool = True, **attributes: object
    ) -> Channel:
        everybody = [*members, self.app.bot_user] if bot else list(members)
        channel = Channel(self.next_id("C"), name, members=everybody, **attributes)  # type: ignore[arg-type]
        return self._place(channel)

    def direct_message(self, user: str) -> Channel:
        """The conversation between a person and the app, made when first asked for."""
        for channel in self.channels.values():
            if channel.kind == "im" and channel.user == user:
                return channel
        return self._place(Channel(self.next_id("D"), "", "im", [user, self.app.bot_user], user=user))

    def add_group(self, handle: str, users: list[str]) -> UserGroup:
        group = UserGroup(self.next_id("S"), handle, handle.title(), users)
        self.groups[group.id] = group
        return group

    def _place(self, channel: Channel) -> Channel:
        self.channels[channel.id] = channel
        self.messages[channel.id] = {}
        self.changed()
        return channel

    # -- messages ---------------------------------------------------------------------------------------

    def add_message(self, message: Message) -> Message:
        message.versions.append(message.text)
        kept = self.messages[message.channel]
        late = bool(kept) and message.ts < next(reversed(kept))
        kept[message.ts] = message
        if late:  # kept in order, so that reading needs no sorting
            self.messages[message.channel] = dict(sorted(kept.items()))
        if message.thread_ts and message.thread_ts != message.ts:
            self._replies.setdefault((message.channel, message.thread_ts), set()).add(message.ts)
        self.changed()
        return message

    def rewrite(self, message: Message, text: str, blocks: list[Json] | None, by: str) -> None:
        message.text, message.edited_ts, message.edited_by = text, self.next_ts(), by
        if blocks is not None:
            message.blocks = blocks
        message.versions.append(text)
        self.changed()

    def remove(self, message: Message) -> None:
        self.deleted.append(self.messages[message.channel].pop(message.ts))
        self._replies.get((message.channel, message.thread_ts or ""), set()).discard(message.ts)
        self.changed()

    def in_order(self, channel: str) -> list[Message]:
        return list(self.messages[channel].values())

    def thread(self, channel: str, root: str) -> list[Message]:
        """The root and its replies, oldest first."""
        kept = self.messages[channel]
        first = [kept[root]] if root in kept else []
        return first + [kept[ts] for ts in sorted(self._replies.get((channel, root), ()))]

    def everything(self) -> Iterator[Message]:
        for channel in self.messages:
            yield from self.in_order(channel)

    # -- waiting ----------------------------------------------------------------------------------------

    def changed(self) -> None:
        """Tell everybody who waits; outside of a loop nobody does."""
        try:
            notice = asyncio.get_running_loop().create_task(self._notify())
        except RuntimeError:
            return
        self._notices.add(notice)
        notice.add_done_callback(self._notices.discard)

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def wait_for(self, predicate: Callable[[], bool], timeout: float = 10.0) -> None:
        """Return as soon as the predicate holds. Raises TimeoutError."""
        async with asyncio.timeout(timeout), self._changed:
            await self._changed.wait_for(predicate)
