"""What workers ask touches what it is about and nothing else, whatever the planner believed when it planned."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any, cast

import asyncpg
import pytest
import pytest_asyncio

from rookery_core.database import Database
from rookery_core.queue import Message, Queue
from rookery_core.queue.claims import CLAIMS_SQL
from rookery_core.queue.model import PRIORITIES
from rookery_core.queue.worker.connection_loop import pin_plans

TABLES = ("event", "lane", "effect")
EVENTS, BATCH = 600, 10
PARAMETERS = {
    "claim_events": "text, timestamptz, text[], smallint[], bigint[], integer, integer, bigint, text, integer",
    "complete_events": "text, timestamptz, bigint[], bigint[]",
    "finish_events": "text, timestamptz, bigint[], bigint[], text[], text[], boolean, text[], text[], text[]",
    "extend_leases": "text, timestamptz, bigint[], bigint[], double precision",
    "release_events": "text, timestamptz, bigint[], bigint[], double precision[], boolean[], text[], boolean",
}


@pytest_asyncio.fixture(params=["never vacuumed", "vacuumed empty", "vacuumed full"])
async def line(
    request: pytest.FixtureRequest,
    live_queue: Queue,
    database: Database,
    owner_connection: asyncpg.Connection[Any],
) -> AsyncIterator[asyncpg.Connection[Any]]:
    """A worker's connection that has planned everything, and only then do many events come."""
    await live_queue.subscribe("t", "s")
    messages = [Message({"n": n}, f"key {n}", f"lane {n}" if n % 2 else None) for n in range(EVENTS)]
    if request.param == "vacuumed full":
        await live_queue.enqueue_many("t", messages)
    if request.param != "never vacuumed":
        await owner_connection.execute(
            "vacuum analyze queue.event, queue.lane, queue.effect, queue.subscription"
        )
    connection = await database.connect()
    await pin_plans(connection)
    for name, types in PARAMETERS.items():
        await connection.execute(f"prepare {name} ({types}) as {CLAIMS_SQL[name]}")
        await connection.fetch(f"explain execute {name} ({', '.join(['null'] * len(types.split(', ')))})")
    await live_queue.enqueue_many("t", messages)
    await owner_connection.execute(
        "insert into queue.effect (team, owner, name, request, intended_at)"
        " select 'default', 'event:' || -n, 'answer', 'null', now() from generate_series(1, 600) n"
    )
    yield connection
    await connection.close()


async def nodes_of(line: asyncpg.Connection[Any], name: str, *values: object) -> list[dict[str, Any]]:
    """Runs a statement; answers the nodes of its plan with what each did."""
    literals = ", ".join(map(_literal, values))
    plan = await line.fetchval(f"explain (analyze, format json) execute {name} ({literals})")
    return list(_nodes((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]))


async def rows_touched(line: asyncpg.Connection[Any], name: str, *values: object) -> dict[str, int]:
    """Runs a statement; answers how many rows it read of each table, those it threw away included."""
    touched: dict[str, int] = dict.fromkeys(TABLES, 0)
    for node in await nodes_of(line, name, *values):
        if "Scan" in node["Node Type"] and node.get("Relation Name") in TABLES:
            rows = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
            touched[node["Relation Name"]] += round(rows * node["Actual Loops"])
    return touched


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for part in node.get("Plans", []):
        yield from _nodes(part)


def _literal(value: object) -> str:
    if isinstance(value, list):
        members = cast("list[object]", value)
        return "'{" + ",".join("null" if one is None else str(one) for one in members) + "}'"
    return "null" if value is None else f"'{value}'"


async def test_a_worker_touches_only_its_batch(line: asyncpg.Connection[Any]) -> None:
    nothing = [None] * BATCH
    claim = await rows_touched(
        line, "claim_events", "default", None, ["s"], [0], [0], BATCH, 5, 7, "w", BATCH
    )
    held = await line.fetch("select id, token from queue.event where token is not null order by id")
    assert len(held) == BATCH
    ids, tokens = [row["id"] for row in held], [row["token"] for row in held]
    back = await rows_touched(
        line, "release_events", "default", None, ids, tokens, nothing, ["t"] * BATCH, nothing, "f"
    )
    assert await line.fetchval("select count(*) from queue.event where token is not null") == 0
    await rows_touched(line, "claim_events", "default", None, ["s"], [0], [0], BATCH, 5, 7, "w", BATCH)
    held = await line.fetch("select id, token from queue.event where token is not null order by id")
    assert len(held) == BATCH
    ids, tokens = [row["id"] for row in held], [row["token"] for row in held]
    longer = await rows_touched(line, "extend_leases", "default", None, ids, tokens, None)
    leave = await rows_touched(
        line, "finish_events", "default", None, ids, tokens, nothing, nothing, "f", ["answer"] * BATCH, ["true"] * BATCH,
        ["true"] * BATCH,
    )  # fmt: skip
    assert await line.fetchval("select count(*) from queue.history") == BATCH
    await rows_touched(line, "claim_events", "default", None, ["s"], [0], [0], 2 * BATCH, 5, 7, "w", BATCH)
    held = await line.fetch(
        "select id, token from queue.event where token is not null and ordering_key is null"
    )
    complete = await rows_touched(
        line, "complete_events", "default", None, [row["id"] for row in held], [row["token"] for row in held]
    )
    assert await line.fetchval("select count(*) from queue.history") == BATCH + len(held) > BATCH
    for touched in (claim, back, longer, leave, complete):
        assert all(rows <= 5 * BATCH for rows in touched.values()), (claim, back, longer, leave, complete)


async def test_a_claim_for_many_subscriptions_compares_none_with_all_others(
    line: asyncpg.Connection[Any], live_queue: Queue
) -> None:
    names = [f"many{n}" for n in range(100)]
    for name in names:
        await live_queue.subscribe("many", name)
    await live_queue.enqueue("many", {})
    probes = [(name, priority) for priority in reversed(PRIORITIES) for name in names]
    nodes = await nodes_of(
        line, "claim_events", "default", None, [name for name, _ in probes], [priority for _, priority in probes],
        [0] * len(probes), 200, 5, 7, "w", BATCH,
    )  # fmt: skip
    compared = sum(node.get("Rows Removed by Join Filter", 0) * node["Actual Loops"] for node in nodes)
    assert compared <= len(probes)
    assert len(await live_queue.list("leased", limit=200)) == len(names)
