"""What changes about people and channels, announced with the events of each change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulators.slack.models import Channel, Json, User

if TYPE_CHECKING:
    from emulators.slack.server import SlackEmulator


class Administration:
    """Joins, leaves, renames, archives, conversions; people who come, change and go."""

    def __init__(self, emulator: SlackEmulator) -> None:
        self._emulator = emulator

    def join(self, user: str, channel_id: str) -> None:
        channel = self._channel(channel_id)
        channel.members.append(user)
        self._membership("member_joined_channel", user, channel)

    def leave(self, user: str, channel_id: str) -> None:
        channel = self._channel(channel_id)
        self._membership("member_left_channel", user, channel)
        channel.members.remove(user)

    def rename(self, channel_id: str, name: str) -> None:
        channel = self._channel(channel_id)
        channel.name = name
        self._tell({"type": "channel_rename", "channel": self._named(channel)})

    def archive(self, channel_id: str, *, by: str) -> None:
        self._channel(channel_id).is_archived = True
        self._tell({"type": "channel_archive", "channel": channel_id, "user": by})

    def make_private(self, channel_id: str) -> None:
        """Slack announces no event of its own for this to apps; the next look at the channel shows it."""
        self._channel(channel_id).kind = "private"

    def hire(self, name: str) -> User:
        user = self._emulator.state.add_user(name)
        self._tell({"type": "team_join", "user": user.wire()})
        return user

    def change_user(self, user_id: str, **changes: object) -> None:
        user = self._emulator.state.users[user_id]
        for name, value in changes.items():
            setattr(user, name, value)
        user.updated += 1
        self._tell({"type": "user_change", "user": user.wire()})

    def _channel(self, channel_id: str) -> Channel:
        return self._emulator.state.channels[channel_id]

    def _named(self, channel: Channel) -> Json:
        return {"id": channel.id, "name": channel.name, "is_channel": True, "created": channel.created}

    def _membership(self, kind: str, user: str, channel: Channel) -> None:
        team = self._emulator.state.users[user].team_id
        self._tell({"type": kind, "user": user, "channel": channel.id, "channel_type": "C", "team": team})

    def _tell(self, event: Json) -> None:
        self._emulator.delivery.event({**event, "event_ts": self._emulator.state.next_ts()})
        self._emulator.state.changed()
