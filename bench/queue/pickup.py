# pyright: basic
"""How long from the commit of an enqueue to the first line of its handler, in another process.

Run as a program it is that other process: `python -m bench.queue.pickup SYSTEM DSN JOBS WORKERS` prints `ready`,
then when it has seen all jobs a JSON object of job number and time on the machine's monotonic clock.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable

from bench.queue.server import BenchServer
from rookery_core import garbage_collection

GAP_S = 0.020
WARM_UP = 20


async def measure(
    system: str,
    dsn: str,
    jobs: int,
    enqueue: Callable[[int], Awaitable[object]],
    *,
    processes: int = 1,
    workers: int = 1,
) -> list[float]:
    """Milliseconds from acknowledgement to handler of each job, the warm-up left out."""
    consumers = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bench.queue.pickup", system, dsn, str(workers), stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE, limit=1 << 24,
        )
        for _ in range(processes)
    ]  # fmt: skip
    try:
        for consumer in consumers:
            assert consumer.stdout is not None
            await consumer.stdout.readline()
        await asyncio.sleep(0.3)
        acknowledged: dict[int, float] = {}
        for n in range(WARM_UP + jobs):
            await enqueue(n)
            acknowledged[n] = time.monotonic()
            await asyncio.sleep(GAP_S)
        await asyncio.sleep(0.5)
        begun: dict[int, float] = {}
        for consumer in consumers:
            out, _ = await consumer.communicate(b"stop\n")
            begun |= {int(n): at for n, at in json.loads(out.splitlines()[-1]).items()}
    finally:
        for consumer in consumers:
            if consumer.returncode is None:
                consumer.kill()
                await consumer.wait()
    return [(begun[n] - acknowledged[n]) * 1000 for n in range(WARM_UP, WARM_UP + jobs)]


def _ready() -> None:
    garbage_collection.freeze()
    print("ready", flush=True)


async def _stop_asked() -> None:
    await asyncio.to_thread(sys.stdin.readline)


async def _ours(dsn: str, workers: int, seen: dict[int, float]) -> None:
    from contextlib import AsyncExitStack

    from pydantic import SecretStr

    from rookery_core.database import Database
    from rookery_core.queue import Attempt, Event, Queue, Worker
    from rookery_core.settings import CoreSettings

    async def handle(event: Event, attempt: Attempt) -> None:
        seen.setdefault(event.payload["n"], time.monotonic())

    settings = CoreSettings(database_url=SecretStr(dsn))
    database = await Database.open(settings, "rookery_agent", "bench", max_connections=2, migrate=False)
    async with AsyncExitStack() as stack:
        for _ in range(workers):
            await stack.enter_async_context(Worker(Queue(database), {"bench": handle}, concurrency=10))
        await asyncio.sleep(6 if workers > 1 else 0)  # until each has heard of the others
        _ready()
        await _stop_asked()
    await database.close()


async def _pgqueuer(dsn: str, seen: dict[int, float]) -> None:
    import asyncpg
    from pgqueuer import PgQueuer
    from pgqueuer.db import AsyncpgDriver

    line = await asyncpg.connect(dsn)
    queue = PgQueuer(AsyncpgDriver(line))

    @queue.entrypoint("bench")
    async def handle(job) -> None:
        seen.setdefault(json.loads(job.payload)["n"], time.monotonic())

    running = asyncio.create_task(queue.qm.run(batch_size=10, max_concurrent_tasks=20))
    await asyncio.sleep(0.5)
    _ready()
    await _stop_asked()
    queue.qm.shutdown.set()
    await running
    await line.close()


async def _procrastinate(dsn: str, seen: dict[int, float]) -> None:
    import procrastinate

    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=dsn, min_size=2, max_size=12))

    @app.task(name="bench", queue="bench")
    async def handle(n: int) -> None:
        seen.setdefault(n, time.monotonic())

    async with app.open_async():
        running = asyncio.create_task(
            app.run_worker_async(queues=["bench"], concurrency=10, install_signal_handlers=False)
        )
        await asyncio.sleep(0.5)
        _ready()
        await _stop_asked()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def main(system: str, dsn: str, workers: int) -> None:
    seen: dict[int, float] = {}
    if system == "ours":
        await _ours(dsn, workers, seen)
    else:
        await (_pgqueuer if system == "pgqueuer" else _procrastinate)(dsn, seen)
    print(json.dumps(seen), flush=True)


async def ours(server: BenchServer, jobs: int, *, processes: int = 1, workers: int = 1) -> list[float]:
    """Rookery's queue, with `processes` times `workers` idle claimers."""
    from bench.queue.ours import Ours

    async with Ours(server).queue() as queue:
        return await measure(
            "ours", server.server.app_dsn, jobs, lambda n: queue.enqueue("bench", {"n": n}, key=f"pickup-{n}"),
            processes=processes, workers=workers,
        )  # fmt: skip


async def pgqueuer(server: BenchServer, jobs: int) -> list[float]:
    import asyncpg
    from pgqueuer.db import AsyncpgDriver
    from pgqueuer.queries import Queries

    line = await asyncpg.connect(server.dsn("bench_pgqueuer"))
    await line.execute("truncate pgqueuer, pgqueuer_log")
    queries = Queries(AsyncpgDriver(line))
    try:
        return await measure(
            "pgqueuer", server.dsn("bench_pgqueuer"), jobs,
            lambda n: queries.enqueue("bench", json.dumps({"n": n}).encode()),
        )  # fmt: skip
    finally:
        await line.close()


async def procrastinate_(server: BenchServer, jobs: int) -> list[float]:
    from bench.queue.peers import ProcrastinateParts

    await ProcrastinateParts(server).emptied()
    async with ProcrastinateParts(server).app().open_async() as app:
        return await measure(
            "procrastinate",
            server.dsn("bench_procrastinate"),
            jobs,
            lambda n: app.tasks["bench"].defer_async(n=n),
        )


if __name__ == "__main__":
    import uvloop

    uvloop.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
