"""A worker process that the tests kill, pause and cut off. Started with the address of its database."""

from __future__ import annotations

import asyncio
import sys

from pydantic import SecretStr

from rookery_core.database import Connection, Database
from rookery_core.queue import Attempt, Event, Queue, Worker
from rookery_core.settings import CoreSettings


class Handlers:
    """One handler whose effect is in this database, and one whose effect is in the world outside."""

    def __init__(self, world: Connection) -> None:
        self._world = world
        self._turn = asyncio.Lock()

    async def inside(self, event: Event, attempt: Attempt) -> None:
        async with attempt.transaction() as connection:
            await connection.execute(
                "insert into public.inside (number, lane) values ($1, $2)",
                event.payload["number"],
                event.ordering_key,
            )
            await asyncio.sleep(0.001)

    async def outside(self, event: Event, attempt: Attempt) -> None:
        effect = await attempt.intend("say", {"number": event.payload["number"]})
        if effect.state == "done":
            return
        said = effect.state == "intended" and await self._was_said(effect.idempotency_key)
        if not said:
            await self._say(effect.idempotency_key, event.payload["number"])
        await attempt.receipt(effect, {"said": True})

    async def _was_said(self, key: str) -> bool:
        async with self._turn:
            return await self._world.fetchval(
                "select exists (select from public.outside where key = $1)", key
            )

    async def _say(self, key: str, number: int) -> None:
        """The world outside takes an idempotency key, and counts how often it was asked."""
        async with self._turn:
            await self._world.execute(
                "insert into public.outside (key, number) values ($1, $2)"
                " on conflict (key) do update set asked = outside.asked + 1",
                key,
                number,
            )


async def main(dsn: str, world_dsn: str) -> None:
    import asyncpg

    settings = CoreSettings(database_url=SecretStr(dsn))
    database = await Database.open(settings, "rookery_agent", "chaos", max_connections=6, migrate=False)
    queue = Queue(database)
    world = await asyncpg.create_pool(world_dsn, min_size=1, max_size=2)
    handlers = Handlers(world)  # type: ignore[arg-type]
    worker = Worker(
        queue,
        {"inside": handlers.inside, "outside": handlers.outside},
        concurrency=4,
        poll_s=0.3,
        grace_s=2.0,
    )
    print("ready", flush=True)
    await worker.run()
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
