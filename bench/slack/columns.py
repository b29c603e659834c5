"""What TimescaleDB's columns save and cost: the size of the messages, and reads of what is older than 45 days."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

import asyncpg

from bench.slack.store import INGEST, BenchStore
from bench.slack.waits import waits
from rookery_slack.store import sync_state

SIZE = """
select coalesce(hypertable_size(format('%I.%I', hypertable_schema, hypertable_name)::regclass), 0)
from timescaledb_information.hypertables where hypertable_schema = 'slack' and hypertable_name = 'messages'
"""
ROWS_AGAIN = "select decompress_chunk(chunk, true) from show_chunks('slack.messages') as chunk"
PLAIN = """
drop table if exists pg_temp.plain;
create temporary table plain (like slack.messages including indexes);
insert into plain select * from slack.messages order by ts;
analyze plain;
"""
PLAIN_SIZE = "select pg_total_relation_size('plain')"


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bytes as a plain table and as columns, and how many chunks became columns."""

    plain: int
    columns: int
    chunks: int


async def as_rows(bench: BenchStore) -> None:
    """Turn every chunk into rows again."""
    owner = await asyncpg.connect(bench.owner_dsn)
    try:
        await owner.execute(ROWS_AGAIN)
    finally:
        await owner.close()


async def as_columns(bench: BenchStore) -> Sizes:
    """Turn old chunks into columns, and weigh the table against a plain one."""
    async with bench.ingest.transaction(INGEST) as connection:
        chunks = await sync_state.compact_chunks(connection)
    owner = await asyncpg.connect(bench.owner_dsn)
    try:
        await owner.execute("vacuum analyze slack.messages")
        await owner.execute(PLAIN)
        return Sizes(await owner.fetchval(PLAIN_SIZE), await owner.fetchval(SIZE), chunks)
    finally:
        await owner.close()


async def old_reads_ms(bench: BenchStore, calls: int) -> float:
    """Median milliseconds of reads of what is older than 45 days."""
    return statistics.median((await waits(bench, calls, "get_conversation.old"))["get_conversation.old"])
