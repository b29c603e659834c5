"""Workspaces, channels, people and groups, as Slack describes them, made into facts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast

from rookery_ingest.slack.cleaning import id_of, name_of, text_of
from rookery_slack.observations import (
    ChannelFact,
    ChannelKind,
    GroupFact,
    Membership,
    MembersListed,
    Observations,
    UserFact,
)
from rookery_slackapi.timestamps import LONG_AGO

Raw = Mapping[str, Any]
_MILLISECONDS = 100_000_000_000


def moment_of(value: object) -> datetime | None:
    """A time in seconds or milliseconds since 1970, as a number or its text; None for 0 and for anything else."""
    try:
        number = float(value)  # pyright: ignore[reportArgumentType] anything may stand there
        seconds = number / 1000 if number > _MILLISECONDS else number
        return datetime.fromtimestamp(seconds, UTC) if seconds > 0 else None
    except (TypeError, ValueError, OverflowError, OSError):
        return None


def user_fact(
    raw: Raw, seen_at: datetime, *, workspace: str | None = None, enterprise: str | None = None
) -> UserFact | None:
    """A person or bot of users.json, users.list or user_change; None without an id.

    Who belongs to another workspace (and not to the same enterprise) is a stranger.
    """
    user_id = id_of(raw.get("id"))
    if user_id is None:
        return None
    profile = _part(raw, "profile")
    team = id_of(raw.get("team_id")) or id_of(profile.get("team"))
    return UserFact(
        id=user_id,
        updated=moment_of(raw.get("updated")) or LONG_AGO,
        seen_at=seen_at,
        workspace=team,
        name=name_of(raw.get("name")),
        real_name=name_of(raw.get("real_name")) or name_of(profile.get("real_name")),
        display_name=name_of(profile.get("display_name")),
        title=name_of(profile.get("title")),
        tz=name_of(raw.get("tz")),
        is_bot=bool(raw.get("is_bot")) or user_id == "USLACKBOT",
        is_guest=bool(raw.get("is_restricted") or raw.get("is_ultra_restricted")),
        is_stranger=bool(raw.get("is_stranger")) or _is_foreign(raw, team, workspace, enterprise),
        is_deactivated=bool(raw.get("deleted")),
    )


def _is_foreign(raw: Raw, team: str | None, workspace: str | None, enterprise: str | None) -> bool:
    if workspace is None or team is None or team == workspace or raw.get("id") == "USLACKBOT":
        return False
    own = id_of(_part(raw, "enterprise_user").get("enterprise_id"))
    return not (enterprise and own == enterprise)


def profile_fact(user_id: str, profile: Raw, seen_at: datetime) -> UserFact:
    """What a message tells of its author in passing: believed only while nothing better is known."""
    return UserFact(
        id=user_id,
        updated=LONG_AGO,
        seen_at=seen_at,
        workspace=id_of(profile.get("team")),
        name=name_of(profile.get("name")),
        real_name=name_of(profile.get("real_name")),
        display_name=name_of(profile.get("display_name")),
        is_guest=bool(profile.get("is_restricted") or profile.get("is_ultra_restricted")),
    )


def channel_facts(
    raw: Raw, seen_at: datetime, *, kind: ChannelKind | None = None, workspace: str | None = None
) -> Observations | None:
    """A conversation of channels.json, groups.json, dms.json, mpims.json or conversations.list, with its members
    when they are listed; None without an id. kind: what the place says where it was found."""
    channel_id = id_of(raw.get("id"))
    if channel_id is None:
        return None
    facts = Observations()
    topic, purpose = _part(raw, "topic"), _part(raw, "purpose")
    former = raw.get("previous_names")
    names = cast("list[Any]", former) if isinstance(former, list) else []
    facts.channels.append(
        ChannelFact(
            id=channel_id,
            at=seen_at,
            workspace=id_of(raw.get("context_team_id")) or workspace,
            name=name_of(raw.get("name")),
            kind=kind_of(raw) or kind,
            topic=text_of(topic.get("value")) or ("" if topic else None),
            topic_at=moment_of(topic.get("last_set")),
            purpose=text_of(purpose.get("value")) or ("" if purpose else None),
            purpose_at=moment_of(purpose.get("last_set")),
            archived=bool(raw["is_archived"]) if "is_archived" in raw else None,
            shared=bool(raw.get("is_ext_shared")) if "is_ext_shared" in raw else None,
            created=moment_of(raw.get("created")),
            previous_names=tuple(filter(None, map(name_of, names))),
        )
    )
    if isinstance(members := raw.get("members"), list):
        facts.add(member_facts(channel_id, cast("list[Any]", members), seen_at))
    return facts


def member_facts(channel_id: str, members: list[Any], at: datetime) -> Observations:
    """A full list of a channel's members."""
    facts = Observations()
    facts.member_lists.append(MembersListed(channel_id, at))
    names = dict.fromkeys(filter(None, map(id_of, members)))
    facts.members += [Membership(channel_id, member, True, at) for member in names]
    return facts


def kind_of(raw: Raw) -> ChannelKind | None:
    """The kind that a conversation says of itself; None when it says nothing."""
    if raw.get("is_im"):
        return "im"
    if raw.get("is_mpim"):
        return "mpim"
    if raw.get("is_private") or raw.get("is_group"):
        return "private"
    return "public" if raw.get("is_private") is False and raw.get("is_channel", True) else None


def group_fact(raw: Raw) -> GroupFact | None:
    """A user group of usergroups.list or a subteam event; None without an id."""
    group_id = id_of(raw.get("id"))
    if group_id is None:
        return None
    users = raw.get("users")
    return GroupFact(
        id=group_id,
        updated=moment_of(raw.get("date_update")) or LONG_AGO,
        handle=name_of(raw.get("handle")),
        name=name_of(raw.get("name")),
        members=tuple(filter(None, map(id_of, cast("list[Any]", users))))
        if isinstance(users, list)
        else None,
        is_deleted=moment_of(raw.get("date_delete")) is not None,
    )


def _part(raw: Raw, key: str) -> Raw:
    value = raw.get(key)
    return cast(Raw, value) if isinstance(value, dict) else {}
