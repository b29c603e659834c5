"""Merging: any order, any number of times, one final state."""

from __future__ import annotations

import random
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from rookery_core import sql
from rookery_core.identity import Caller
from rookery_slack.observations import (
    ChannelFact,
    ChannelKind,
    FileDeleted,
    Membership,
    MembersListed,
    MessageDeleted,
    MessageVersion,
    Observations,
    Reaction,
    ReactionsListed,
    Source,
    UserFact,
)
from rookery_slack.store import sync_state, vectors
from rookery_slack.store.writer import Writer
from rookery_slackapi.timestamps import parse_ts
from slack_tables import FINAL_TABLES, digest_of_tables

if TYPE_CHECKING:
    from rookery_core.database import Database

OpenDatabase = Callable[..., Awaitable["Database"]]
BASE = parse_ts("1700000000.000100")
assert BASE is not None


def _moment(dice: random.Random, span: int = 40) -> Any:
    assert BASE is not None
    return BASE + timedelta(seconds=dice.randrange(span))


def _message(dice: random.Random) -> Observations:
    ts = _moment(dice, 6)
    edit = ts + timedelta(seconds=dice.choice([0, 0, 3, 7]))
    version = MessageVersion(
        channel=dice.choice(["C1", "C2"]),
        ts=ts,
        thread_ts=dice.choice([None, BASE]) if ts != BASE else None,
        author=dice.choice(["U1", "U2"]),
        subtype=None,
        text=f"words {dice.randrange(4)}",
        content=dice.choice([None, {"files": [{"id": "F1", "name": "a.txt"}]}]),
        edit_ts=edit,
        seen_ts=edit + timedelta(seconds=dice.randrange(3)),
        source=dice.choice(list(Source)),
    )
    return Observations(messages=[version])


def _fact(dice: random.Random) -> Observations:
    channel, moment = dice.choice(["C1", "C2"]), _moment(dice)
    match dice.randrange(9):
        case 0 | 1 | 2:
            return _message(dice)
        case 3:
            ts = _moment(dice, 6)
            return Observations(deletions=[MessageDeleted(channel, ts, None, ts + timedelta(seconds=9))])
        case 4:
            given = Reaction(channel, _moment(dice, 6), dice.choice("ab"), "U1", dice.random() < 0.6, moment)
            return Observations(reactions=[given])
        case 5:
            snapshot = _message(dice)
            place = (snapshot.messages[0].channel, snapshot.messages[0].ts)
            snapshot.reaction_lists.append(ReactionsListed(*place, moment))
            if dice.random() < 0.6:
                snapshot.reactions.append(Reaction(*place, "a", "U2", True, moment))
            return snapshot
        case 6:
            kinds: list[ChannelKind | None] = ["public", "private", None]
            kind = dice.choice(kinds)
            name = dice.choice([None, "one", "two"])
            return Observations(channels=[ChannelFact(channel, moment, name=name, kind=kind)])
        case 7:
            joined = Membership(channel, dice.choice(["U1", "U2"]), dice.random() < 0.5, moment)
            if dice.random() < 0.7:
                return Observations(members=[joined])
            return Observations(
                member_lists=[MembersListed(channel, moment)], members=[replace(joined, present=True)]
            )
        case _:
            if dice.random() < 0.3:
                return Observations(deleted_files=[FileDeleted("F1", moment)])
            return Observations(users=[UserFact("U1", moment, moment, name=f"n{dice.randrange(3)}")])


async def _merge(database: Database, team: str, facts: list[Observations], batch: int) -> None:
    caller = Caller(team=team, kind="agent")
    for start in range(0, len(facts), batch):
        together = Observations()
        for each in facts[start : start + batch]:
            together.add(each)
        async with database.transaction(caller) as connection:
            await Writer(caller).merge(connection, together)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
async def test_any_order_gives_the_same_tables(
    open_database: OpenDatabase, owner_connection: Any, seed: int
) -> None:
    database = await open_database("rookery_ingest")
    dice = random.Random(seed)
    facts = [_fact(dice) for _ in range(140)]
    await _merge(database, "in order", facts, 1)
    expected = await digest_of_tables(owner_connection, "in order")
    assert all(expected[table] for table in ("messages", "message_index", "reactions", "channels"))
    for attempt in range(3):
        shuffled = facts + dice.sample(facts, 60)
        dice.shuffle(shuffled)
        await _merge(database, f"shuffled {attempt}", shuffled, dice.choice([1, 7, 500]))
        found = await digest_of_tables(owner_connection, f"shuffled {attempt}")
        for table in FINAL_TABLES:
            assert found[table] == expected[table], table
    counted = """
        select channel, thread_ts, ts from slack.messages where thread_ts is not null and deleted_at is null
        except select channel, root_ts, ts from slack.replies
    """
    assert expected["replies"] and await owner_connection.fetch(counted) == []
    assert await owner_connection.fetchval(
        "select count(*) from slack.replies"
    ) == await owner_connection.fetchval(
        "select count(*) from slack.messages where thread_ts is not null and deleted_at is null"
    )


@pytest.mark.parametrize("known", [False, True])
async def test_a_batch_is_looked_up_by_key(open_database: OpenDatabase, *, known: bool) -> None:
    """An import fills empty tables faster than autovacuum looks at them, which it says; each text is analysed once."""
    database = await open_database("rookery_ingest")
    caller = Caller(kind="agent")
    statements = sql.load("rookery_slack.store", "merging.sql")
    async with database.transaction(caller) as connection:
        await Writer(caller).merge(connection, Observations(messages=[_version(n) for n in range(3000)]))
        if known:
            await sync_state.refresh_planner(connection)
        await connection.fetch(statements["plan_for_batches"])
        nothing = [[None] * 1000] * 15
        rows = await connection.fetch(
            f"explain (verbose) {statements['merge_messages']}", caller.team, *nothing
        )
    plan = "\n".join(row[0] for row in rows)
    assert re.search(r"Index Cond: .*m\.channel = fact\.channel\) AND \(m\.ts = fact\.ts", plan)
    assert re.findall(r"Seq Scan|Materialize|Hash|Bitmap", plan) == []
    assert len(re.findall(r"[^(]search\.document\(\w+\.words\)", plan)) == 1, plan
    if known:
        assert "message_index_by_time" not in plan, plan


def _version(number: int) -> MessageVersion:
    assert BASE is not None
    ts = BASE + timedelta(seconds=number)
    return MessageVersion("C1", ts, None, "U1", None, f"words {number}", None, ts, ts, Source.SNAPSHOT)


async def test_times_that_are_the_messages_own_are_not_stored(
    open_database: OpenDatabase, owner_connection: Any
) -> None:
    """Rows of before carry them, and mean the same."""
    database, caller = await open_database("rookery_ingest"), Caller(kind="agent")
    said = _version(1)
    edited = replace(said, text="other words", edit_ts=said.ts + timedelta(hours=1))
    await _merge(database, caller.team, [Observations(messages=[said])], 1)
    row = await owner_connection.fetchrow("select edit_ts, seen_ts, source from slack.messages")
    assert tuple(row.values()) == (None, None, Source.SNAPSHOT)

    await owner_connection.execute("update slack.messages set edit_ts = ts, seen_ts = ts")
    before = await digest_of_tables(owner_connection)
    await _merge(database, caller.team, [Observations(messages=[said])], 1)
    assert await digest_of_tables(owner_connection) == before
    await _merge(database, caller.team, [Observations(messages=[edited])], 1)
    former = await owner_connection.fetchrow("select text, edit_ts, seen_ts from slack.message_history")
    assert tuple(former.values()) == (said.text, said.ts, said.ts)
    assert await owner_connection.fetchval("select edit_ts from slack.messages") == edited.edit_ts


async def test_a_vector_of_what_was_said_before_is_not_stored(
    open_database: OpenDatabase, owner_connection: Any
) -> None:
    database, caller = await open_database("rookery_ingest"), Caller(kind="agent")
    said = [_version(number) for number in range(2)]
    await _merge(database, caller.team, [Observations(messages=said)], 1)
    edited = replace(said[0], text="other words", edit_ts=said[0].ts + timedelta(hours=1))
    async with database.transaction(caller) as connection:
        waiting = await vectors.without_vector(connection, caller, 10)
        await _merge(database, caller.team, [Observations(messages=[edited])], 1)
        await vectors.store_vectors(connection, caller, "by hand", waiting, np.ones((2, 4), np.float32))
    wanting = await owner_connection.fetch("select ts from slack.message_index where model is null")
    assert [row["ts"] for row in wanting] == [said[0].ts]
