"""What a workspace consists of, and how each part looks on the wire."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Json = dict[str, Any]
ChannelKind = Literal["public", "private", "im", "mpim"]
Membership = Literal["member", "multi_channel_guest", "single_channel_guest", "stranger"]


@dataclass
class User:
    """A person or a bot. A stranger belongs to another organisation and is seen in shared channels only."""

    id: str
    name: str
    real_name: str
    team_id: str
    tz: str = "Europe/Berlin"
    membership: Membership = "member"
    is_bot: bool = False
    is_admin: bool = False
    deleted: bool = False
    updated: int = 1_700_000_000

    def wire(self) -> Json:
        return {
            "id": self.id,
            "team_id": self.team_id,
            "name": self.name,
            "deleted": self.deleted,
            "real_name": self.real_name,
            "tz": self.tz,
            "tz_label": self.tz,
            "tz_offset": 3600,
            "profile": {
                "real_name": self.real_name,
                "real_name_normalized": self.real_name,
                "display_name": self.name,
                "display_name_normalized": self.name,
                "email": f"{self.name}@example.com",
                "team": self.team_id,
            },
            "is_admin": self.is_admin,
            "is_owner": False,
            "is_restricted": self.membership in ("multi_channel_guest", "single_channel_guest"),
            "is_ultra_restricted": self.membership == "single_channel_guest",
            "is_stranger": self.membership == "stranger",
            "is_bot": self.is_bot,
            "is_app_user": False,
            "updated": self.updated,
        }


@dataclass
class Channel:
    """A conversation of any kind. `user` is the other side of a direct message."""

    id: str
    name: str
    kind: ChannelKind = "public"
    members: list[str] = field(default_factory=list[str])
    user: str | None = None
    topic: str = ""
    purpose: str = ""
    created: int = 1_700_000_000
    is_archived: bool = False
    is_ext_shared: bool = False

    def wire(self, viewer: str) -> Json:
        common: Json = {
            "id": self.id,
            "created": self.created,
            "is_archived": self.is_archived,
            "is_im": self.kind == "im",
            "is_org_shared": False,
            "context_team_id": "T0ROOKERY",
            "updated": self.created * 1000,
        }
        if self.kind == "im":
            return {**common, "user": self.user, "is_user_deleted": False, "priority": 0}
        return {
            **common,
            "name": self.name,
            "name_normalized": self.name,
            "is_channel": self.kind == "public",
            "is_group": self.kind == "private",
            "is_mpim": self.kind == "mpim",
            "is_private": self.kind in ("private", "mpim"),
            "is_general": self.name == "general",
            "is_shared": self.is_ext_shared,
            "is_ext_shared": self.is_ext_shared,
            "is_pending_ext_shared": False,
            "is_member": viewer in self.members,
            "num_members": len(self.members),
            "creator": self.members[0] if self.members else "",
            "topic": {"value": self.topic, "creator": "", "last_set": 0},
            "purpose": {"value": self.purpose, "creator": "", "last_set": 0},
            "previous_names": [],
        }


@dataclass
class StoredFile:
    """A file and its bytes; `url` is filled in by the server that offers it."""

    id: str
    name: str
    mimetype: str
    content: bytes
    user: str
    url: str = ""
    created: int = 1_700_000_000
    channels: list[str] = field(default_factory=list[str])

    def wire(self) -> Json:
        extension = self.name.rsplit(".", 1)[-1] if "." in self.name else "binary"
        return {
            "id": self.id,
            "created": self.created,
            "timestamp": self.created,
            "name": self.name,
            "title": self.name,
            "mimetype": self.mimetype,
            "filetype": extension,
            "pretty_type": extension.upper(),
            "user": self.user,
            "editable": False,
            "size": len(self.content),
            "mode": "hosted",
            "is_external": False,
            "is_public": True,
            "url_private": self.url,
            "url_private_download": self.url,
            "permalink": f"https://rookery.slack.com/files/{self.user}/{self.id}/{self.name}",
            "channels": self.channels,
        }


@dataclass
class Message:
    """One message. `versions` holds every text a reader has seen, the first one first."""

    channel: str
    ts: str
    user: str
    text: str
    thread_ts: str | None = None
    blocks: list[Json] = field(default_factory=list[Json])
    attachments: list[Json] = field(default_factory=list[Json])
    metadata: Json | None = None
    bot_id: str | None = None
    app_id: str | None = None
    subtype: str | None = None
    files: list[StoredFile] = field(default_factory=list[StoredFile])
    reactions: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    edited_ts: str | None = None
    edited_by: str | None = None
    client_msg_id: str | None = None
    streaming: bool = False
    streamed: bool = False
    unfurl: bool = True
    versions: list[str] = field(default_factory=list[str])

    def wire(self, team_id: str) -> Json:
        """The message as events and pages carry it, without what a thread adds and without metadata."""
        shape: Json = {
            "type": "message",
            "user": self.user,
            "text": self.text,
            "ts": self.ts,
            "team": team_id,
        }
        optional: Json = {
            "subtype": self.subtype,
            "client_msg_id": self.client_msg_id,
            "thread_ts": self.thread_ts,
            "bot_id": self.bot_id,
            "app_id": self.app_id,
            "blocks": self.blocks,
            "attachments": self.attachments,
            "files": [file.wire() for file in self.files],
        }
        shape.update({key: value for key, value in optional.items() if value})
        if self.streamed:
            shape["streaming_state"] = "in_progress" if self.streaming else "completed"
        if self.edited_ts:
            shape["edited"] = {"user": self.edited_by, "ts": self.edited_ts}
        if self.reactions:
            shape["reactions"] = [
                {"name": name, "users": users, "count": len(users)} for name, users in self.reactions.items()
            ]
        return shape


@dataclass
class Ephemeral:
    """A message only one person saw."""

    channel: str
    user: str
    text: str
    blocks: list[Json]
    ts: str
    thread_ts: str | None


@dataclass
class UserGroup:
    id: str
    handle: str
    name: str
    users: list[str]

    def wire(self, team_id: str) -> Json:
        return {
            "id": self.id,
            "team_id": team_id,
            "is_usergroup": True,
            "name": self.name,
            "handle": self.handle,
            "users": self.users,
            "user_count": len(self.users),
            "date_delete": 0,
        }


ALL_SCOPES = frozenset(
    {
        "app_mentions:read",
        "assistant:write",
        "channels:history",
        "channels:read",
        "chat:write",
        "commands",
        "files:read",
        "files:write",
        "groups:history",
        "groups:read",
        "im:history",
        "im:read",
        "im:write",
        "mpim:history",
        "mpim:read",
        "reactions:read",
        "reactions:write",
        "usergroups:read",
        "users:read",
        "users:read.email",
        "team:read",
    }
)

ALL_EVENTS = frozenset(
    {
        "app_mention",
        "app_home_opened",
        "assistant_thread_started",
        "assistant_thread_context_changed",
        "message.channels",
        "message.groups",
        "message.im",
        "message.mpim",
        "reaction_added",
        "reaction_removed",
        "channel_created",
        "channel_rename",
        "channel_archive",
        "channel_unarchive",
        "channel_deleted",
        "member_joined_channel",
        "member_left_channel",
        "team_join",
        "user_change",
        "subteam_created",
        "subteam_updated",
        "subteam_members_changed",
    }
)


@dataclass
class App:
    """A Slack app as installed: its tokens, what they may do, what it is told of."""

    id: str = "A0ROOKERY"
    bot_user: str = "U0BOT"
    bot_id: str = "B0ROOKERY"
    bot_token: str = "xoxb-emulator-bot"
    app_token: str = "xapp-emulator-app"
    signing_secret: str = "emulator-signing-secret"
    scopes: frozenset[str] = ALL_SCOPES
    events: frozenset[str] = ALL_EVENTS
    events_url: str | None = None
    interactions_url: str | None = None
    commands_url: str | None = None
