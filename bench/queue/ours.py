"""The parts that measure Rookery's queue, with every guarantee on: key, lease, fencing, order, history."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from pydantic import SecretStr

from bench.queue.server import BenchServer, Sample
from rookery_core.database import Database
from rookery_core.queue import Attempt, Event, Handler, Message, Queue, Worker
from rookery_core.settings import CoreSettings

_KEYS = itertools.count()
TABLES = "queue.event, queue.lane, queue.spent_key, queue.history, queue.dead_letter, queue.effect, queue.subscription"


class Ours:
    """Each method empties the tables, prepares, and returns what it measured."""

    def __init__(self, server: BenchServer) -> None:
        self._server = server

    @asynccontextmanager
    async def queue(self) -> AsyncGenerator[Queue]:
        owner = await self._server.owner()
        await owner.execute(f"truncate {TABLES}")
        await owner.close()
        settings = CoreSettings(database_url=SecretStr(self._server.server.app_dsn))
        async with await Database.open(settings, "rookery_agent", "bench", migrate=False) as database:
            queue = Queue(database)
            await queue.subscribe("bench", "bench")
            yield queue

    async def enqueue_bulk(self, jobs: int) -> Sample:
        """Bulk enqueue, each with an idempotency key."""
        async with self.queue() as queue:
            messages = _messages(jobs)
            await queue.enqueue_many("bench", _messages(200))
            await self._server.calm()
            return await self._server.measure(jobs, queue.enqueue_many("bench", messages))

    async def enqueue_single(self, jobs: int, producers: int = 10) -> Sample:
        """Single enqueues, each durable before the next of its producer, with wake-ups on and somebody listening."""
        async with self.queue() as queue:
            listener = await queue.database.connect()
            await listener.add_listener("rookery_queue", _hear)

            async def produce() -> None:
                for _ in range(jobs // producers):
                    await queue.enqueue("bench", {"n": 1}, key=f"single-{next(_KEYS)}")

            await queue.enqueue("bench", {"n": 1})
            await self._server.calm()
            sample = await self._server.measure(jobs, asyncio.gather(*(produce() for _ in range(producers))))
            await listener.close()
            return sample

    async def drain(
        self,
        jobs: int,
        *,
        lane_of: Callable[[int], str | None] = lambda _: None,
        pending: int = 0,
        history: int = 0,
    ) -> Sample:
        """No-op jobs through one worker of 10 slots; `pending` more wait behind them, `history` lies beside."""
        async with self.queue() as queue:
            await self._fill_history(history)
            await queue.enqueue_many("bench", _messages(jobs + pending, lane_of))
            await self._server.calm()
            handler, finished = _count(jobs)
            return await self._drain(queue, handler, finished, jobs)

    async def effects(self, jobs: int) -> Sample:
        """Jobs whose effect is committed in the ledger together with their completion, one transaction each."""
        async with self.queue() as queue:
            await queue.enqueue_many("bench", _messages(jobs))
            await self._server.calm()
            count, finished = _count(jobs)

            async def handler(event: Event, attempt: Attempt) -> None:
                await attempt.finish("answer", {"ok": True})
                await count(event, attempt)

            return await self._drain(queue, handler, finished, jobs)

    async def transactions(self, jobs: int) -> Sample:
        """Jobs with a statement of the handler's own in the transaction that completes them."""
        async with self.queue() as queue:
            await queue.enqueue_many("bench", _messages(jobs))
            await self._server.calm()
            count, finished = _count(jobs)

            async def handler(event: Event, attempt: Attempt) -> None:
                async with attempt.transaction() as connection:
                    await connection.execute("select 1")
                await count(event, attempt)

            return await self._drain(queue, handler, finished, jobs)

    async def held_snapshot(self, jobs: int, rounds: int) -> list[float]:
        """Jobs a second of each of several rounds while another session holds a snapshot open."""
        async with self.queue() as queue:
            await queue.enqueue_many("bench", _messages(jobs * rounds))
            await self._server.calm()
            holder = await self._server.owner()
            snapshot = holder.transaction(isolation="repeatable_read")
            await snapshot.start()
            await holder.fetchval("select count(*) from queue.event")
            loop = asyncio.get_running_loop()
            marks: list[float] = []
            finished = asyncio.Event()
            done = 0

            async def handler(event: Event, attempt: Attempt) -> None:
                nonlocal done
                done += 1
                if done % jobs == 0:
                    marks.append(loop.time())
                    if done == jobs * rounds:
                        finished.set()

            async with Worker(queue, {"bench": handler}, concurrency=10):
                marks.insert(0, loop.time())
                await finished.wait()
            await snapshot.rollback()
            await holder.close()
            return [jobs / (after - before) for before, after in itertools.pairwise(marks)]

    async def _drain(self, queue: Queue, handler: Handler, finished: asyncio.Event, jobs: int) -> Sample:
        """From the first claim until all is finished. Connections are open before the clock starts, as those of peers are."""
        await queue.pause("bench")
        async with Worker(queue, {"bench": handler}, concurrency=10) as worker:

            async def work() -> None:
                await queue.resume("bench")
                await finished.wait()
                await worker.drain()

            return await self._server.measure(jobs, work())

    async def _fill_history(self, rows: int) -> None:
        if rows:
            owner = await self._server.owner()
            await owner.execute(
                "insert into queue.history (team, event_id, finished_at, topic, subscription, outcome, priority,"
                " attempts, enqueued_at, payload) select 'default', n, now() - interval '1 day', 'bench', 'bench',"
                " 'done', 0, 1, now() - interval '1 day', '{\"n\": 1}' from generate_series(1, $1::int) n",
                rows,
            )
            await owner.close()


def _hear(_line: object, _pid: int, _channel: str, _text: object) -> None: ...


def _messages(jobs: int, lane_of: Callable[[int], str | None] = lambda _: None) -> list[Message]:
    return [Message({"n": n}, f"bulk-{next(_KEYS)}", lane_of(n)) for n in range(jobs)]


def _count(jobs: int) -> tuple[Handler, asyncio.Event]:
    finished = asyncio.Event()
    done = 0

    async def handler(event: Event, attempt: Attempt) -> None:
        nonlocal done
        done += 1
        if done == jobs:
            finished.set()

    return handler, finished
