"""What is left when a queue is taken away from itself: one connection, one statement a batch, no worker pool.

Completes the last batch and claims the next in one commit, with an archive row and a row that spends the key.
"""

from __future__ import annotations

from bench.queue.server import BenchServer, Sample

SCHEMA = """
drop schema if exists floor cascade;
create schema floor;
create table floor.job (
    id bigint generated always as identity primary key, key text, payload jsonb, attempts int not null default 0,
    lease_until timestamptz, token bigint
) with (fillfactor = 70);
create index on floor.job (id) where lease_until is null;
create table floor.spent (key text primary key);
create table floor.archive (id bigint, key text, payload jsonb, attempts int, at timestamptz default clock_timestamp());
"""
TURN = """
with done as (
    delete from floor.job where id = any ($1::bigint[]) and token = $2 returning id, key, payload, attempts
),
archived as (insert into floor.archive (id, key, payload, attempts) select id, key, payload, attempts from done),
spent as (insert into floor.spent select key from done on conflict do nothing),
next as (
    select id from floor.job where lease_until is null order by id limit $4 for update skip locked
)
update floor.job j
set lease_until = clock_timestamp() + interval '30 s', token = $3, attempts = attempts + 1
from next
where j.id = next.id
returning j.id, j.payload
"""


async def drain(server: BenchServer, jobs: int, batch: int = 50) -> Sample:
    """The loop, to the end."""
    line = await server.owner("bench_floor")
    await line.execute(SCHEMA)
    await line.execute(
        "insert into floor.job (key, payload) select 'k' || n, '{\"n\": 1}' from generate_series(1, $1::int) n",
        jobs,
    )
    await line.execute("vacuum analyze floor.job")
    await server.calm("bench_floor")
    turn = await line.prepare(TURN)

    async def work() -> None:
        done: list[int] = []
        token = 0
        while True:
            rows = await turn.fetch(done, token, token + 1, batch)
            if not rows and not done:
                return
            token += 1
            done = [row[0] for row in rows]

    try:
        return await server.measure(jobs, work())
    finally:
        await line.close()
