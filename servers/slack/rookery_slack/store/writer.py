"""Merges batches of facts into the store, in the caller's transaction. Used by ingest, under its role."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from rookery_core import sql
from rookery_slack.observations import (
    ChannelFact,
    GroupFact,
    MessageDeleted,
    MessageVersion,
    Observations,
    UserFact,
)
from rookery_slack.plausible_times import Clock, latest_time, plausible_observations, utc_now
from rookery_slack.store.channel_moves import moved_facts
from rookery_slackapi.message_text import MessageContent, has_link, searchable_text
from rookery_slackapi.message_text.visibility import channel_references, without_hidden

if TYPE_CHECKING:
    from rookery_core.database import Connection
    from rookery_core.identity import Caller

_SQL = sql.load("rookery_slack.store", "merging.sql")
UNINDEXED_SUBTYPES = frozenset({"channel_join", "channel_leave", "group_join", "group_leave"})
"""Messages that say only who came and went; they are kept and shown, but no search should find them."""

Said = MessageVersion | MessageDeleted


@dataclass(slots=True)
class Merged:
    """What a merge changed: messages new, versions that replaced another, deletions, and what was refused.

    dated_ahead: observations that were left out, or taken without a time, because that lies in the future.
    """

    added: int = 0
    changed: int = 0
    erased: int = 0
    discarded: int = 0
    refused: int = 0
    dated_ahead: int = 0

    def add(self, other: Merged) -> None:
        """Sum two reports."""
        for name in Merged.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


class Writer:
    """Merges facts for one team. Observations dated more than a day after `clock` are left out."""

    def __init__(self, caller: Caller, *, clock: Clock = utc_now) -> None:
        self._caller = caller
        self._clock = clock
        self._team = caller.team

    async def merge(self, connection: Connection, facts: Observations) -> Merged:
        """Merge a batch. Must run in a transaction for this team; concurrent writers wait for each other's channels."""
        merged = Merged()
        facts, odd = plausible_observations(facts, latest_time(self._clock))
        merged.dated_ahead = odd.total()
        prepared = await self._prepared(connection, facts, merged)
        if facts.moves:
            moved = sorted({move.old_id for move in facts.moves} | {move.new_id for move in facts.moves})
            async for held in moved_facts(connection, self._caller, moved):
                await self._store(connection, held, Merged())
        await self._store(connection, prepared, merged)
        return merged

    async def _store(self, connection: Connection, facts: Observations, merged: Merged) -> None:
        await self._merge_directory(connection, facts)
        await connection.execute(_SQL["know_channels"], self._team, sorted(_channels_of(facts)))
        said: list[Said] = [*facts.messages, *facts.deletions]
        for wave in _distinct(said, "channel", "ts"):
            await self._merge_messages(connection, wave, facts, merged)
        await self._merge_listed_reactions(connection, facts)
        await self._merge_reactions(connection, facts)
        for wave in _distinct(facts.deleted_files):
            await self._run(connection, "merge_deleted_files", columns(wave, "id", "at"))

    async def _run(self, connection: Connection, name: str, arguments: Sequence[Any]) -> None:
        await connection.execute(_SQL[name], self._team, *arguments)

    async def _prepared(self, connection: Connection, facts: Observations, merged: Merged) -> Observations:
        """Take the locks, follow channels to their present ids, and leave out what must not be stored."""
        touched = (
            _channels_of(facts)
            | {move.old_id for move in facts.moves}
            | {move.new_id for move in facts.moves}
        )
        await connection.fetch(_SQL["plan_for_batches"])
        # Present ids are looked up before, so that all locks are taken at once, and again after: then nothing changes.
        locked = touched | set((await self._aliases(connection, touched)).values())
        await self._lock(connection, locked)
        for wave in _distinct(facts.moves, "old_id"):
            await self._run(connection, "merge_moves", columns(wave, "old_id", "new_id", "at"))
        if facts.moves:
            await self._run(connection, "move_rules", [sorted({move.old_id for move in facts.moves})])
        aliases = await self._aliases(connection, touched)
        if unlocked := set(aliases.values()) - locked:
            await self._lock(connection, unlocked)
        if aliases:
            facts = _renamed(facts, aliases)
        return await self._without_refused(connection, facts, touched | set(aliases.values()), merged)

    async def _lock(self, connection: Connection, channels: set[str]) -> None:
        await connection.execute(_SQL["lock_channels"], self._team, sorted(channels))

    async def _aliases(self, connection: Connection, channels: set[str]) -> dict[str, str]:
        rows = await connection.fetch(_SQL["resolve_aliases"], self._team, sorted(channels))
        return {row["old_id"]: row["new_id"] for row in rows if row["old_id"] != row["new_id"]}

    async def _without_refused(
        self, connection: Connection, facts: Observations, touched: set[str], merged: Merged
    ) -> Observations:
        channels = {
            row["id"] for row in await connection.fetch(_SQL["refused_channels"], self._team, sorted(touched))
        }
        authors = sorted({each.author for each in facts.messages if each.author})
        people = {row["id"] for row in await connection.fetch(_SQL["refused_users"], self._team, authors)}
        limits: dict[str, datetime] = {
            row["id"]: row["oldest"]
            for row in await connection.fetch(_SQL["retention_limits"], self._team, sorted(touched))
        }
        if channels or people or limits:
            before = len(facts.messages)
            facts = _filtered(facts, channels, people, limits)
            merged.refused += before - len(facts.messages)
        rules = await connection.fetch(_SQL["discard_rules"], self._team)
        return await self._without_discarded(connection, facts, merged) if rules else facts

    async def _without_discarded(
        self, connection: Connection, facts: Observations, merged: Merged
    ) -> Observations:
        bodies = [json.dumps(_as_slack(each)) for each in facts.messages]
        rows = await connection.fetch(_SQL["discarded"], self._team, bodies)
        gone = {row["position"] - 1 for row in rows}
        merged.discarded += len(gone)
        kept = [each for position, each in enumerate(facts.messages) if position not in gone]
        return replace(facts, messages=kept)

    async def _merge_directory(self, connection: Connection, facts: Observations) -> None:
        for wave in _distinct(facts.workspaces):
            await self._run(connection, "merge_workspaces", columns(wave, "id", "url", "name", "seen_at"))
        for wave in _distinct(facts.users):
            await self._run(connection, "merge_users", user_columns(wave))
        for wave in _distinct(facts.groups):
            await self._run(connection, "merge_groups", group_columns(wave))
        for wave in _distinct(facts.channels):
            await self._run(connection, "merge_channels", channel_columns(wave))
        for lists in _distinct(facts.member_lists, "channel"):
            await self._run(connection, "list_members", columns(lists, "channel", "at"))
        for members in _distinct(facts.members, "channel", "member"):
            found = columns(members, "channel", "member", "present", "at")
            await self._run(connection, "merge_members", found)

    async def _merge_messages(
        self,
        connection: Connection,
        wave: Sequence[Said],
        facts: Observations,
        merged: Merged,
    ) -> None:
        ordered = sorted(facts.reaction_lists, key=lambda each: each.at)
        listed = {(each.channel, each.ts): each.at for each in ordered}
        wave = sorted(wave, key=lambda each: (each.channel, each.ts))
        public = await self._public(connection, wave)
        arguments = list(zip(*(_message_row(each, listed, public) for each in wave), strict=True))
        rows = await connection.fetch(_SQL["merge_messages"], self._team, *map(list, arguments))
        merged.added += sum(not row["known"] for row in rows)
        merged.changed += sum(row["known"] and row["changed"] for row in rows)
        merged.erased += sum(row["erased"] for row in rows)
        deleted = [each for each in wave if isinstance(each, MessageDeleted)]
        if deleted:
            await self._run(connection, "erase_raw_events", columns(deleted, "channel", "ts"))

    async def _public(self, connection: Connection, wave: Sequence[Said]) -> frozenset[str]:
        """The public ones of the channels that these messages name or repeat messages of."""
        named: set[str] = set()
        for each in wave:
            if isinstance(each, MessageVersion):
                named |= channel_references(MessageContent(each.text, each.content or {}))
        if not named:
            return frozenset()
        rows = await connection.fetch(_SQL["public_channels"], self._team, sorted(named))
        return frozenset(row["id"] for row in rows)

    async def _merge_listed_reactions(self, connection: Connection, facts: Observations) -> None:
        """Lists that came without the message itself."""
        spoken = {(each.channel, each.ts) for each in facts.messages}
        alone = [each for each in facts.reaction_lists if (each.channel, each.ts) not in spoken]
        for wave in _distinct(alone, "channel", "ts"):
            await self._run(connection, "list_reactions", columns(wave, "channel", "ts", "at"))

    async def _merge_reactions(self, connection: Connection, facts: Observations) -> None:
        for wave in _distinct(facts.reactions, "channel", "ts", "emoji", "reactor"):
            found = columns(wave, "channel", "ts", "emoji", "reactor", "present", "at")
            await self._run(connection, "merge_reactions", found)


def _message_row(
    each: Said, listed: dict[tuple[str, datetime], datetime], public: frozenset[str]
) -> tuple[Any, ...]:
    if isinstance(each, MessageDeleted):
        gone = (
            each.channel,
            each.ts,
            each.thread_ts,
            None,
            None,
            None,
            None,
            None,
            None,
            None,
            each.at,
        )
        return (*gone, None, "", False, False)
    content = None if each.content is None else json.dumps(each.content, ensure_ascii=False)
    message = MessageContent(each.text, each.content or {})
    words = "" if each.subtype in UNINDEXED_SUBTYPES else searchable_text(message, public)
    version = (each.edit_ts, each.seen_ts, int(each.source))
    said = (each.channel, each.ts, each.thread_ts, each.author, each.subtype, each.text, content)
    files = bool(message.files or without_hidden(message, public).forwarded_files)
    at = listed.get((each.channel, each.ts))
    return (*said, *version, None, at, words, files, has_link(message))


Fact = TypeVar("Fact")


def _distinct(facts: Iterable[Fact], *key: str) -> list[list[Fact]]:
    """The facts in waves, each key at most once in each: a statement cannot change a row twice."""
    waves: list[list[Fact]] = []
    seen: dict[tuple[Any, ...], int] = {}
    for fact in facts:
        name = tuple(getattr(fact, each) for each in key or ("id",))
        turn = seen.get(name, 0)
        seen[name] = turn + 1
        if turn == len(waves):
            waves.append([])
        waves[turn].append(fact)
    return waves


def _channels_of(facts: Observations) -> set[str]:
    found = {each.id for each in facts.channels}
    for name in ("messages", "deletions", "reactions", "reaction_lists", "members", "member_lists"):
        found |= {each.channel for each in getattr(facts, name)}
    return found


def _renamed(facts: Observations, aliases: dict[str, str]) -> Observations:
    changed: dict[str, Any] = {}
    for name in ("messages", "deletions", "reactions", "reaction_lists", "members", "member_lists"):
        changed[name] = [
            replace(each, channel=aliases.get(each.channel, each.channel)) for each in getattr(facts, name)
        ]
    changed["channels"] = [replace(each, id=aliases.get(each.id, each.id)) for each in facts.channels]
    return replace(facts, **changed)


def _filtered(
    facts: Observations, channels: set[str], people: set[str], limits: dict[str, datetime]
) -> Observations:
    def kept(each: Any) -> bool:
        if each.channel in channels or getattr(each, "author", None) in people:
            return False
        oldest = limits.get(each.channel)
        return oldest is None or getattr(each, "ts", oldest) >= oldest

    names = ("messages", "deletions", "reactions", "reaction_lists", "members", "member_lists")
    changed: dict[str, Any] = {name: [each for each in getattr(facts, name) if kept(each)] for name in names}
    changed["reactions"] = [each for each in changed["reactions"] if each.reactor not in people]
    return replace(facts, **changed)


def _as_slack(message: MessageVersion) -> dict[str, Any]:
    """A message for discard rules to look at, in the names Slack uses."""
    named = {
        "channel": message.channel,
        "user": message.author,
        "subtype": message.subtype,
        "text": message.text,
    }
    return {**(message.content or {}), **{key: value for key, value in named.items() if value is not None}}


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
