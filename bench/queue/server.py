"""The server that every system in the comparison shares: the embedded one, at its default durability."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import psutil

from rookery_core.database import migrate
from rookery_core.database.embedded import EmbeddedServer


@dataclass(frozen=True, slots=True)
class Sample:
    """What one part measured: jobs a second, and processor time in microseconds a job, ours and PostgreSQL's."""

    rate: float
    client_us: float
    postgres_us: float

    @property
    def cpu_us(self) -> float:
        return self.client_us + self.postgres_us


class BenchServer:
    """An embedded server in a separate folder, with a database for each system."""

    def __init__(self, server: EmbeddedServer, postmaster: psutil.Process) -> None:
        self.server = server
        self._postmaster = postmaster

    def dsn(self, database: str) -> str:
        """A database as its superuser: what peers connect with."""
        return urlunsplit(urlsplit(self.server.owner_dsn)._replace(path=f"/{database}"))

    async def owner(self, database: str = "rookery") -> asyncpg.Connection[Any]:
        return await asyncpg.connect(self.dsn(database))

    async def calm(self, database: str = "rookery") -> None:
        """Nothing left to write or to vacuum before the clock starts."""
        owner = await self.owner(database)
        await owner.execute("vacuum")
        await owner.execute("checkpoint")
        await owner.close()

    def postgres_s(self) -> float:
        """Processor seconds of PostgreSQL so far, of processes that ended too."""
        server = self._postmaster.cpu_times()
        spent = server.user + server.system + server.children_user + server.children_system
        for child in self._postmaster.children():
            try:
                times = child.cpu_times()
            except psutil.Error:
                continue
            spent += times.user + times.system
        return spent

    async def measure(self, jobs: int, work: Awaitable[Any]) -> Sample:
        """Time `work`, which gets `jobs` jobs done."""
        postgres, client, begun = self.postgres_s(), time.process_time(), time.perf_counter()
        await work
        seconds = time.perf_counter() - begun
        client_s, postgres_s = time.process_time() - client, self.postgres_s() - postgres
        return Sample(jobs / seconds, client_s / jobs * 1e6, postgres_s / jobs * 1e6)


@asynccontextmanager
async def bench_server() -> AsyncGenerator[BenchServer]:
    """The server, started and migrated; removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="rookery-bench-") as name:
        folder = Path(name)
        server = await asyncio.to_thread(EmbeddedServer.start, folder, idle_s=300.0)
        try:
            await migrate(server.owner_dsn, embedded=True)
            owner = await asyncpg.connect(server.owner_dsn)
            backend = psutil.Process(await owner.fetchval("select pg_backend_pid()"))
            postmaster = backend.parent()
            assert postmaster is not None
            for database in ("bench_pgqueuer", "bench_procrastinate", "bench_floor"):
                await owner.execute(f"create database {database}")
            await owner.close()
            yield BenchServer(server, postmaster)
        finally:
            server.close()
            await asyncio.to_thread(EmbeddedServer.stop, folder)
