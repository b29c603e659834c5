"""Workers that are killed, paused, cut off and left without a database: every effect happens once, and in order."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import shutil
import signal
import sys
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from pydantic import SecretStr

from postgres_for_tests import FAST, TestServer
from rookery_core.database import Database, migrate
from rookery_core.database.embedded import EmbeddedServer
from rookery_core.errors import RookeryError
from rookery_core.queue import Backoff, Message, Queue
from rookery_core.settings import CoreSettings

WORKER = Path(__file__).with_name("chaos_worker.py")
NUMBER, LANES, LEASE_S = 2_000, 40, 1.0
DURABLE = {**FAST, "synchronous_commit": "on"}  # the server itself is killed
TABLES = """
create table public.inside (seq bigint generated always as identity, number bigint not null, lane text);
create table public.outside (key text primary key, number bigint not null, asked integer not null default 1);
grant select, insert on public.inside to rookery_agent;
"""


@dataclass
class Arena:
    """A PostgreSQL of its own, and the workers on it."""

    folder: Path
    server: EmbeddedServer
    processes: list[asyncio.subprocess.Process] = field(default_factory=list[asyncio.subprocess.Process])

    async def owner(self) -> asyncpg.Connection[Any]:
        return await asyncpg.connect(self.server.owner_dsn)

    async def spawn(self) -> None:
        with (self.folder / "workers.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable, str(WORKER), self.server.app_dsn, self.server.owner_dsn,
                stdout=asyncio.subprocess.DEVNULL, stderr=log,
            )  # fmt: skip
        self.processes.append(process)

    async def kill(self, process: asyncio.subprocess.Process) -> None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        await self.replace_dead()

    async def replace_dead(self) -> None:
        """What a supervisor does: start another for each that ended, be it that it found no database."""
        dead = [process for process in self.processes if process.returncode is not None]
        self.processes = [process for process in self.processes if process.returncode is None]
        for _ in dead:
            await self.spawn()

    async def pause(self, process: asyncio.subprocess.Process) -> None:
        """Stop it for longer than its lease, so that it wakes up as a zombie."""
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGSTOP)
            await asyncio.sleep(LEASE_S * 1.8)
            process.send_signal(signal.SIGCONT)

    async def cut_connections(self, rng: random.Random) -> None:
        owner = await self.owner()
        pids = [
            row[0]
            for row in await owner.fetch("select pid from pg_stat_activity where application_name = 'chaos'")
        ]
        for pid in rng.sample(pids, min(len(pids), 5)):
            await owner.execute("select pg_terminate_backend($1)", pid)
        await owner.close()

    async def restart_postgres(self) -> None:
        await asyncio.to_thread(EmbeddedServer.stop, self.folder)
        await self._start_postgres()

    async def crash_postgres(self) -> None:
        owner = await self.owner()
        pid = await owner.fetchval("select split_part(pg_read_file('postmaster.pid'), E'\\n', 1)::integer")
        os.kill(pid, signal.SIGKILL)
        while not owner.is_closed():
            await asyncio.sleep(0.01)
        while not await self.reachable():
            await self._start_postgres()

    async def reachable(self) -> bool:
        try:
            await (await self.owner()).close()
        except (OSError, asyncpg.PostgresError):
            return False
        return True

    async def _start_postgres(self) -> None:
        self.server = await asyncio.to_thread(
            EmbeddedServer.start, self.folder, idle_s=60.0, server_settings=DURABLE
        )


@pytest_asyncio.fixture
async def arena() -> AsyncIterator[Arena]:
    folder = Path(TestServer.new_folder("rookery-chaos-"))
    server = await asyncio.to_thread(EmbeddedServer.start, folder, idle_s=60.0, server_settings=DURABLE)
    await migrate(server.owner_dsn, embedded=True)
    arena = Arena(folder, server)
    owner = await arena.owner()
    await owner.execute(TABLES)
    await owner.close()
    yield arena
    for process in arena.processes:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    await asyncio.to_thread(EmbeddedServer.stop, folder)
    arena.server.close()
    shutil.rmtree(folder, ignore_errors=True)


async def publish(arena: Arena) -> None:
    """Everything twice, as a redelivering sender does; what fails half-way is simply sent again."""
    settings = CoreSettings(database_url=SecretStr(arena.server.app_dsn))
    database = await Database.open(settings, "rookery_agent", "publisher", max_connections=2, migrate=False)
    queue = Queue(database)
    quick = Backoff(0.02, 0.2)
    for name in ("inside", "outside"):
        await queue.subscribe("topic", name, lease_s=LEASE_S, max_attempts=200, backoff=quick)
    pending = [(number, start) for start in range(0, NUMBER, 50) for number in range(start, start + 50)]
    batches = [pending[at : at + 50] for at in range(0, len(pending), 50)]
    for batch in batches:
        messages = [
            Message({"number": number}, f"key-{number}", f"lane-{number % LANES}" if number % 4 else None)
            for number, _ in batch
        ]
        for _ in range(2):
            while True:
                try:
                    await queue.enqueue_many("topic", messages)
                    break
                except RookeryError:
                    await asyncio.sleep(0.05)
        await asyncio.sleep(0.1)
    await database.close()


async def working(arena: Arena) -> None:
    """Until some event is being worked on, so that the next fault hits something; or all is done."""
    async with asyncio.timeout(30):
        owner = await arena.owner()
        while not await owner.fetchval(
            "select exists (select from queue.event where state = 'leased')"
            " or (exists (select from queue.history) and not exists (select from queue.event))"
        ):
            await arena.replace_dead()
            await asyncio.sleep(0.02)
        await owner.close()


async def torment(arena: Arena, rng: random.Random) -> None:
    """A fault every moment, and a restart and a crash of PostgreSQL in the midst of it."""
    pauses: list[asyncio.Task[None]] = []
    for step in range(14):
        await working(arena)
        await asyncio.sleep(rng.uniform(0.2, 0.5))
        await arena.replace_dead()
        fault = rng.choice(["kill", "pause", "cut"])
        if step == 4:
            await arena.restart_postgres()
        elif step == 9:
            await arena.crash_postgres()
        elif fault == "kill":
            await arena.kill(rng.choice(arena.processes))
        elif fault == "pause":
            pauses.append(asyncio.create_task(arena.pause(rng.choice(arena.processes))))
        else:
            await arena.cut_connections(rng)
    await asyncio.gather(*pauses)


async def drained(arena: Arena) -> None:
    async with asyncio.timeout(100):
        owner = await arena.owner()
        while await owner.fetchval("select exists (select from queue.event)"):
            await arena.replace_dead()
            await asyncio.sleep(0.1)
        await owner.close()


@pytest.mark.slow
@pytest.mark.timeout(200)
@pytest.mark.parametrize("seed", [7])
async def test_every_effect_happens_once_and_in_order_whatever_breaks(arena: Arena, seed: int) -> None:
    rng = random.Random(seed)
    publishing = asyncio.create_task(publish(arena))
    await asyncio.sleep(0.5)
    for _ in range(3):
        await arena.spawn()
    await torment(arena, rng)
    await publishing
    await drained(arena)

    owner = await arena.owner()
    inside = await owner.fetch("select number, lane from public.inside order by seq")
    assert sorted(row["number"] for row in inside) == list(range(NUMBER)), (
        "an effect is missing, or happened twice"
    )
    lanes: dict[str, list[int]] = defaultdict(list)
    for row in inside:
        if row["lane"]:
            lanes[row["lane"]].append(row["number"])
    assert lanes
    assert all(numbers == sorted(numbers) for numbers in lanes.values()), "out of order within a key"

    outside = await owner.fetch("select number, asked from public.outside order by number")
    assert [row["number"] for row in outside] == list(range(NUMBER))
    without_receipt = await owner.fetchval("select count(*) from queue.effect where receipt is null")
    assert without_receipt == 0

    done = await owner.fetch(
        "select subscription, count(*), count(distinct event_id) from queue.history group by 1"
    )
    assert sorted(tuple(row) for row in done) == [("inside", NUMBER, NUMBER), ("outside", NUMBER, NUMBER)]
    for table in ("queue.dead_letter", "queue.lane", "queue.event"):
        assert await owner.fetchval(f"select count(*) from {table}") == 0, table
    attempts = await owner.fetchval("select count(*) from queue.history where attempts > 1")
    assert attempts > 0, "nothing was ever interrupted: the faults did not bite"
    await owner.close()
