"""Facts as arrays of columns, the form in which a statement takes many at once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from rookery_slack.observations import ChannelFact, GroupFact, UserFact


def columns(facts: Sequence[Any], *names: str) -> list[list[Any]]:
    """One list a name, of that attribute of every fact."""
    return [[getattr(fact, name) for fact in facts] for name in names]


def user_columns(facts: Sequence[UserFact]) -> list[list[Any]]:
    """For the statement merge_users."""
    said = ("id", "workspace", "name", "real_name", "display_name", "title", "tz")
    flags = ("is_bot", "is_guest", "is_stranger", "is_deactivated")
    return columns(facts, *said, *flags, "updated", "seen_at")


def group_columns(facts: Sequence[GroupFact]) -> list[list[Any]]:
    """For the statement merge_groups; members as JSON, since arrays in arrays must be of one length."""
    found = columns(facts, "id", "handle", "name")
    members = [None if fact.members is None else json.dumps(sorted(set(fact.members))) for fact in facts]
    return [*found, members, *columns(facts, "is_deleted", "updated")]


def channel_columns(facts: Sequence[ChannelFact]) -> list[list[Any]]:
    """For the statement merge_channels: each attribute with the time at which it was so, null where not said."""
    rows = [_channel_row(fact) for fact in facts]
    return [list(column) for column in zip(*rows, strict=True)]


def _channel_row(fact: ChannelFact) -> tuple[Any, ...]:
    def since(value: object, at: Any = None) -> Any:
        return None if value is None else at or fact.at

    return (
        fact.id,
        fact.workspace,
        fact.name,
        since(fact.name),
        fact.kind,
        since(fact.kind),
        fact.topic,
        since(fact.topic, fact.topic_at),
        fact.purpose,
        since(fact.purpose, fact.purpose_at),
        fact.archived,
        since(fact.archived),
        fact.shared,
        since(fact.shared),
        fact.created,
        json.dumps(sorted(set(fact.previous_names))),
    )
