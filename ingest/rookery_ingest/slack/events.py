"""Slack's events made into facts. What is not understood is said to be so, kept, and can be applied later."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, cast

from rookery_ingest.slack.cleaning import id_of, name_of, text_of
from rookery_ingest.slack.directory import channel_facts, group_fact, moment_of, user_fact
from rookery_ingest.slack.messages import message_facts, thread_of
from rookery_slack.observations import (
    ChannelFact,
    ChannelKind,
    ChannelMoved,
    FileDeleted,
    GroupFact,
    Membership,
    MessageDeleted,
    Observations,
    Reaction,
    Source,
    WorkspaceFact,
)
from rookery_slackapi.timestamps import LONG_AGO, parse_ts

Raw = Mapping[str, Any]
_KINDS: dict[str, ChannelKind] = {
    "channel": "public",
    "group": "private",
    "im": "im",
    "mpim": "mpim",
    "app_home": "im",
}


def event_facts(event: Raw, at: datetime | None = None) -> Observations | None:
    """What an event (the inner one) tells; empty when it tells nothing to be stored, None when it is not understood.

    at: when it was sent, where the event itself does not say.
    """
    kind = id_of(event.get("type")) or ""
    at = parse_ts(event.get("event_ts")) or parse_ts(event.get("ts")) or at
    if kind in _IGNORED:
        return Observations()
    reader = _READERS.get(kind)
    if reader is None or at is None:
        return None
    return reader(event, at)


def inner_event(payload: Raw) -> tuple[Raw, datetime | None]:
    """The event itself, out of an `event_callback` or a Socket Mode envelope, and when Slack sent it."""
    while True:
        inner = payload.get("payload")
        if not isinstance(inner, dict):
            break
        payload = cast(Raw, inner)
    event = payload.get("event")
    if isinstance(event, dict) and payload.get("type") in ("event_callback", None):
        return cast(Raw, event), moment_of(payload.get("event_time"))
    return payload, None


def _message(event: Raw, at: datetime) -> Observations | None:
    channel = id_of(event.get("channel"))
    if channel is None:
        return None
    reader = _WRAPPED.get(str(event.get("subtype")))
    facts = reader(event, channel, at) if reader else message_facts(event, channel)
    if facts is None:
        return None
    kind = _KINDS.get(str(event.get("channel_type")))
    if kind:
        facts.channels.append(ChannelFact(channel, at, kind=kind))
    notice = _NOTICES.get(str(event.get("subtype")))
    if notice:
        facts.add(notice(event, channel, at))
    return facts


def _changed(event: Raw, channel: str, at: datetime) -> Observations | None:
    message, previous = event.get("message"), event.get("previous_message")
    if not isinstance(message, dict):
        return None
    facts = message_facts(cast(Raw, message), channel, seen_ts=at)
    if facts is None:
        return None
    if isinstance(previous, dict) and facts.messages:
        before = message_facts(cast(Raw, previous), channel, seen_ts=LONG_AGO, source=Source.HEARSAY)
        same = before is not None and before.messages and before.messages[0].ts == facts.messages[0].ts
        if before is not None and same and before.messages[0].edit_ts < facts.messages[0].edit_ts:
            facts.messages += before.messages
    return facts


def _deleted(event: Raw, channel: str, at: datetime) -> Observations | None:
    previous = event.get("previous_message")
    before: Raw = cast(Raw, previous) if isinstance(previous, dict) else {}
    ts = parse_ts(event.get("deleted_ts")) or parse_ts(before.get("ts"))
    if ts is None:
        return None
    return Observations(deletions=[MessageDeleted(channel, ts, thread_of(before, ts), at)])


def _replied(event: Raw, channel: str, at: datetime) -> Observations | None:
    """A thread's root, quoted because somebody replied: hearsay, useful where the root itself was missed."""
    message = event.get("message")
    if not isinstance(message, dict):
        return Observations()
    return message_facts(cast(Raw, message), channel, seen_ts=LONG_AGO, source=Source.HEARSAY)


def _membership(present: bool) -> Callable[[Raw, str, datetime], Observations]:
    def read(event: Raw, channel: str, at: datetime) -> Observations:
        facts = Observations()
        if user := id_of(event.get("user")):
            facts.members.append(Membership(channel, user, present, at))
        return facts

    return read


def _channel_notice(**changes: Any) -> Callable[[Raw, str, datetime], Observations]:
    """A message in a channel that says the channel has changed. A value of None is read from the event."""

    def read(event: Raw, channel: str, at: datetime) -> Observations:
        facts = Observations()
        said: dict[str, Any] = {
            key: (name_of if key == "name" else text_of)(event.get(key)) or "" if value is None else value
            for key, value in changes.items()
        }
        facts.channels.append(ChannelFact(channel, at, **said))
        return facts

    return read


_WRAPPED: dict[str, Callable[[Raw, str, datetime], Observations | None]] = {
    "message_changed": _changed,
    "message_deleted": _deleted,
    "message_replied": _replied,
}
_NOTICES: dict[str, Callable[[Raw, str, datetime], Observations]] = {
    "channel_join": _membership(True),
    "group_join": _membership(True),
    "channel_leave": _membership(False),
    "group_leave": _membership(False),
    "channel_name": _channel_notice(name=None),
    "group_name": _channel_notice(name=None),
    "channel_topic": _channel_notice(topic=None),
    "group_topic": _channel_notice(topic=None),
    "channel_purpose": _channel_notice(purpose=None),
    "group_purpose": _channel_notice(purpose=None),
    "channel_archive": _channel_notice(archived=True),
    "group_archive": _channel_notice(archived=True),
    "channel_unarchive": _channel_notice(archived=False),
    "group_unarchive": _channel_notice(archived=False),
    "channel_convert_to_private": _channel_notice(kind="private"),
    "channel_convert_to_public": _channel_notice(kind="public"),
}


def _reaction(present: bool) -> Callable[[Raw, datetime], Observations | None]:
    def read(event: Raw, at: datetime) -> Observations | None:
        item = event.get("item")
        target: Raw = cast(Raw, item) if isinstance(item, dict) else {}
        if target.get("type") not in ("message", None):
            return Observations()  # to a file, as it was long ago
        channel, ts = id_of(target.get("channel")), parse_ts(target.get("ts"))
        emoji, user = text_of(event.get("reaction")), id_of(event.get("user"))
        if channel is None or ts is None or emoji is None or user is None:
            return None
        return Observations(reactions=[Reaction(channel, ts, emoji, user, present, at)])

    return read


def _described_channel(kind: ChannelKind | None) -> Callable[[Raw, datetime], Observations | None]:
    """An event that carries a description of the channel: created, renamed, joined."""

    def read(event: Raw, at: datetime) -> Observations | None:
        channel = event.get("channel")
        if channel_id := id_of(channel):
            return Observations(channels=[ChannelFact(channel_id, at, kind=kind)])
        return channel_facts(cast(Raw, channel), at, kind=kind) if isinstance(channel, dict) else None

    return read


def _changed_channel(**changes: Any) -> Callable[[Raw, datetime], Observations | None]:
    def read(event: Raw, at: datetime) -> Observations | None:
        channel = id_of(event.get("channel"))
        if channel is None:
            return None
        return Observations(channels=[ChannelFact(channel, at, **changes)])

    return read


def _moved(event: Raw, at: datetime) -> Observations | None:
    old, new = id_of(event.get("old_channel_id")), id_of(event.get("new_channel_id"))
    if old is None or new is None:
        return None
    return Observations(moves=[ChannelMoved(old, new, at)])


def _member(present: bool) -> Callable[[Raw, datetime], Observations | None]:
    def read(event: Raw, at: datetime) -> Observations | None:
        channel, user = id_of(event.get("channel")), id_of(event.get("user"))
        if channel is None or user is None:
            return None
        return Observations(members=[Membership(channel, user, present, at)])

    return read


def _user(event: Raw, at: datetime) -> Observations | None:
    user = event.get("user")
    fact = user_fact(cast(Raw, user), at) if isinstance(user, dict) else None
    return Observations(users=[fact]) if fact else None


def _group(event: Raw, at: datetime) -> Observations | None:
    group = event.get("subteam")
    fact = group_fact(cast(Raw, group)) if isinstance(group, dict) else None
    return Observations(groups=[fact]) if fact else None


def _group_members(event: Raw, at: datetime) -> Observations | None:
    """Only who came and went is told; the full list follows in subteam_updated, so this is a reminder to sync."""
    group_id = id_of(event.get("subteam_id"))
    return Observations(groups=[GroupFact(group_id, LONG_AGO)]) if group_id else None


def _file_deleted(event: Raw, at: datetime) -> Observations | None:
    file_id = id_of(event.get("file_id"))
    return Observations(deleted_files=[FileDeleted(file_id, at)]) if file_id else None


def _workspace(event: Raw, at: datetime) -> Observations | None:
    team = id_of(event.get("team_id")) or id_of(event.get("team"))
    if team is None:
        return None
    facts = Observations()
    facts.workspaces.append(
        WorkspaceFact(
            team,
            at,
            url=(text_of(event.get("url")) or "").rstrip("/") or None,
            name=text_of(event.get("name")),
        )
    )
    return facts


_READERS: dict[str, Callable[[Raw, datetime], Observations | None]] = {
    "message": _message,
    "app_mention": _message,
    "reaction_added": _reaction(True),
    "reaction_removed": _reaction(False),
    "channel_created": _described_channel("public"),
    "channel_rename": _described_channel(None),
    "channel_joined": _described_channel(None),
    "group_joined": _described_channel("private"),
    "group_rename": _described_channel("private"),
    "im_created": _described_channel("im"),
    "im_open": _described_channel("im"),
    "mpim_open": _described_channel("mpim"),
    "channel_archive": _changed_channel(archived=True),
    "channel_unarchive": _changed_channel(archived=False),
    "channel_deleted": _changed_channel(archived=True),
    "group_archive": _changed_channel(archived=True),
    "group_unarchive": _changed_channel(archived=False),
    "group_deleted": _changed_channel(archived=True),
    "channel_shared": _changed_channel(shared=True),
    "channel_unshared": _changed_channel(shared=False),
    "channel_id_changed": _moved,
    "member_joined_channel": _member(True),
    "member_left_channel": _member(False),
    "team_join": _user,
    "user_change": _user,
    "user_profile_changed": _user,
    "user_status_changed": _user,
    "user_huddle_changed": _user,
    "subteam_created": _group,
    "subteam_updated": _group,
    "subteam_members_changed": _group_members,
    "file_deleted": _file_deleted,
    "team_rename": _workspace,
    "team_domain_change": _workspace,
}
_IGNORED = frozenset(
    {
        "hello", "goodbye", "app_home_opened", "app_rate_limited", "app_requested", "app_installed",
        "app_uninstalled", "app_uninstalled_team", "tokens_revoked", "scope_granted", "scope_denied",
        "assistant_thread_started", "assistant_thread_context_changed", "call_rejected", "channel_left",
        "channel_history_changed", "group_history_changed", "im_history_changed", "group_left", "group_open",
        "group_close", "im_close", "mpim_close", "dnd_updated", "dnd_updated_user", "email_domain_changed",
        "emoji_changed", "file_change", "file_created", "file_public", "file_shared", "file_unshared",
        "invite_requested", "link_shared", "message_metadata_posted", "message_metadata_updated",
        "message_metadata_deleted", "pin_added", "pin_removed", "star_added", "star_removed", "reconnect_url",
        "shared_channel_invite_accepted", "shared_channel_invite_approved", "shared_channel_invite_received",
        "subteam_self_added", "subteam_self_removed", "team_access_granted", "team_access_revoked",
        "user_typing", "presence_change", "url_verification",
    }
)  # fmt: skip
"""Events that change nothing that is stored."""
