# pyright: basic
"""PgQueuer and Procrastinate, each with the settings that suit it best."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

import asyncpg
import procrastinate
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgDriver, AsyncpgPoolDriver
from pgqueuer.queries import Queries
from pgqueuer.types import QueueExecutionMode

from bench.queue.server import BenchServer, Sample

logging.getLogger("procrastinate").setLevel(logging.ERROR)
logging.getLogger("pgqueuer").setLevel(logging.ERROR)


class PgQueuerParts:
    """PgQueuer over asyncpg."""

    def __init__(self, server: BenchServer) -> None:
        self._server = server
        self._dsn = server.dsn("bench_pgqueuer")

    async def install(self) -> None:
        line = await asyncpg.connect(self._dsn)
        await Queries(AsyncpgDriver(line)).install()
        await line.close()

    async def _emptied(self) -> asyncpg.Connection:
        line = await asyncpg.connect(self._dsn)
        await line.execute("truncate pgqueuer, pgqueuer_log")
        return line

    async def enqueue_bulk(self, jobs: int) -> Sample:
        line = await self._emptied()
        await self._server.calm("bench_pgqueuer")
        sample = await self._server.measure(jobs, self._fill(line, jobs))
        await line.close()
        return sample

    async def _fill(self, line: asyncpg.Connection, jobs: int) -> None:
        queries = Queries(AsyncpgDriver(line))
        for _ in range(0, jobs, 5_000):
            size = min(jobs, 5_000)
            await queries.enqueue(["bench"] * size, [b'{"n": 1}'] * size, [0] * size)

    async def enqueue_single(self, jobs: int, producers: int = 10) -> Sample:
        line = await self._emptied()
        listener = await asyncpg.connect(self._dsn)
        await listener.add_listener("ch_pgqueuer", lambda *_: None)
        await self._server.calm("bench_pgqueuer")
        async with asyncpg.create_pool(self._dsn, min_size=producers, max_size=producers) as pool:
            queries = Queries(AsyncpgPoolDriver(pool))

            async def produce() -> None:
                for _ in range(jobs // producers):
                    await queries.enqueue("bench", b'{"n": 1}')

            sample = await self._server.measure(jobs, asyncio.gather(*(produce() for _ in range(producers))))
        await listener.close()
        await line.close()
        return sample

    async def drain(self, jobs: int, *, batch: int, cap: int | None) -> Sample:
        line = await self._emptied()
        await self._fill(line, jobs)
        await self._server.calm("bench_pgqueuer")
        queue = PgQueuer(AsyncpgDriver(line))

        @queue.entrypoint("bench")
        async def handle(job) -> None: ...

        run = queue.qm.run(
            dequeue_timeout=timedelta(seconds=1),
            batch_size=batch,
            mode=QueueExecutionMode.drain,
            max_concurrent_tasks=cap,
        )
        sample = await self._server.measure(jobs, run)
        await line.close()
        return sample


class ProcrastinateParts:
    """Procrastinate over psycopg's pool."""

    def __init__(self, server: BenchServer) -> None:
        self._server = server
        self._dsn = server.dsn("bench_procrastinate")

    def app(self) -> procrastinate.App:
        connector = procrastinate.PsycopgConnector(conninfo=self._dsn, min_size=10, max_size=12)
        app = procrastinate.App(connector=connector)

        @app.task(name="bench", queue="bench")
        async def handle(n: int) -> None: ...

        return app

    async def install(self) -> None:
        async with self.app().open_async() as app:
            await app.schema_manager.apply_schema_async()

    async def emptied(self) -> None:
        line = await asyncpg.connect(self._dsn)
        await line.execute("truncate procrastinate_jobs cascade")
        await line.close()

    async def enqueue_bulk(self, jobs: int) -> Sample:
        await self.emptied()
        await self._server.calm("bench_procrastinate")
        async with self.app().open_async() as app:
            return await self._server.measure(jobs, self._fill(app, jobs))

    async def _fill(self, app: procrastinate.App, jobs: int) -> None:
        for start in range(0, jobs, 1_000):
            batch: list[dict] = [{"n": n} for n in range(min(1_000, jobs - start))]
            await app.tasks["bench"].batch_defer_async(*batch)

    async def enqueue_single(self, jobs: int, producers: int = 10) -> Sample:
        await self.emptied()
        async with self.app().open_async() as app:

            async def produce() -> None:
                for n in range(jobs // producers):
                    await app.tasks["bench"].defer_async(n=n)

            await self._server.calm("bench_procrastinate")
            return await self._server.measure(jobs, asyncio.gather(*(produce() for _ in range(producers))))

    async def drain(self, jobs: int) -> Sample:
        await self.emptied()
        async with self.app().open_async() as app:
            await self._fill(app, jobs)
            await self._server.calm("bench_procrastinate")
            run = app.run_worker_async(
                queues=["bench"],
                wait=False,
                concurrency=10,
                install_signal_handlers=False,
                delete_jobs="always",
            )
            return await self._server.measure(jobs, run)
