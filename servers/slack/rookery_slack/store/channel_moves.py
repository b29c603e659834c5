"""Channels whose id has changed: what is kept under the old id becomes facts again, about the new one."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import TYPE_CHECKING, Any

from rookery_core import sql
from rookery_slack.observations import (
    ChannelFact,
    Membership,
    MembersListed,
    MessageDeleted,
    MessageVersion,
    Observations,
    Reaction,
    ReactionsListed,
    Source,
)
from rookery_slack.store import sync_state
from rookery_slackapi.timestamps import LONG_AGO

if TYPE_CHECKING:
    from rookery_core.database import Connection, Row
    from rookery_core.identity import Caller

_SQL = sql.load("rookery_slack.store", "moving.sql")
BATCH = 1000


async def moved_facts(
    connection: Connection, caller: Caller, channels: Sequence[str]
) -> AsyncGenerator[Observations]:
    """What is kept under those of the ids that have moved, a batch at a time; it is gone from there once it is asked
    for the next. The caller must hold the locks of the channels and merge each batch."""
    for held in await connection.fetch(_SQL["held_channels"], caller.team, list(channels)):
        old, new = held["id"], held["new_id"]
        yield Observations(
            channels=_channel(held, new),
            member_lists=[MembersListed(new, held["members_as_of"])],
            members=[
                Membership(new, row["member"], row["present"], row["at"])
                for row in await connection.fetch(_SQL["held_members"], caller.team, old)
            ],
        )
        async for facts in _messages(connection, caller, old, new):
            yield facts
        async for facts in _reactions(connection, caller, old, new):
            yield facts
        await connection.execute(_SQL["move_history"], caller.team, old, new)
        await connection.execute(_SQL["move_raw_events"], caller.team, old, new)
        for row in await connection.fetch(_SQL["held_coverage"], caller.team, old):
            await sync_state.cover(connection, caller, {new: (row["from_ts"], row["to_ts"])})
        await connection.execute(_SQL["forget_channel"], caller.team, old)


async def _messages(
    connection: Connection, caller: Caller, old: str, new: str
) -> AsyncGenerator[Observations]:
    while rows := await connection.fetch(_SQL["held_messages"], caller.team, old, BATCH):
        times = [row["ts"] for row in rows]
        await connection.execute(_SQL["forget_messages"], caller.team, old, times)
        await connection.execute(_SQL["forget_indexed"], caller.team, old, times)
        facts = Observations()
        for row in rows:
            _add_message(facts, row, new)
        yield facts


async def _reactions(
    connection: Connection, caller: Caller, old: str, new: str
) -> AsyncGenerator[Observations]:
    while rows := await connection.fetch(_SQL["held_reactions"], caller.team, old, BATCH):
        keys = [[row[name] for row in rows] for name in ("ts", "emoji", "reactor")]
        await connection.execute(_SQL["forget_reactions"], caller.team, old, *keys)
        given = [
            Reaction(new, row["ts"], row["emoji"], row["reactor"], row["present"], row["at"]) for row in rows
        ]
        yield Observations(reactions=given)


def _add_message(facts: Observations, row: Row, channel: str) -> None:
    if row["deleted_at"] is not None:
        facts.deletions.append(MessageDeleted(channel, row["ts"], row["thread_ts"], row["deleted_at"]))
        return
    facts.reaction_lists.append(ReactionsListed(channel, row["ts"], row["reactions_as_of"]))
    facts.messages.append(
        MessageVersion(
            channel=channel,
            ts=row["ts"],
            thread_ts=row["thread_ts"],
            author=row["author"],
            subtype=row["subtype"],
            text=row["text"] or "",
            content=row["content"],
            edit_ts=row["edit_ts"],
            seen_ts=row["seen_ts"],
            source=Source(row["source"]),
        )
    )


def _channel(held: Row, channel: str) -> list[ChannelFact]:
    """An observation for each attribute, because each has its time."""
    said: list[tuple[str, Any]] = [
        ("name", held["name_at"]), ("kind", held["kind_at"]), ("topic", held["topic_at"]),
        ("purpose", held["purpose_at"]), ("is_archived", held["archived_at"]), ("is_shared", held["shared_at"]),
    ]  # fmt: skip
    facts = [
        ChannelFact(channel, LONG_AGO, workspace=held["workspace"], created=held["created_at"],
                    previous_names=tuple(held["previous_names"]))
    ]  # fmt: skip
    for name, at in said:
        if held[name] is not None and at.year > 1:
            facts.append(ChannelFact(channel, at, **{name.removeprefix("is_"): held[name]}))
    return facts
