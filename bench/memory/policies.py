"""What row-level security costs a search: the same queries with the policies on and off, in turn."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from contextlib import closing

from bench.memory.speed import percentile, recall_times
from rookery_core.database.connections import connected
from rookery_core.database.provision import find_server
from rookery_core.identity import Caller
from rookery_core.settings import CoreSettings
from rookery_memory.store import MemoryStore

TABLES = (
    "memory", "embedding", "link", "conversation", "turn", "turn_embedding", "scope_statistics", "lexeme",
)  # fmt: skip
ROUNDS = 3


async def with_and_without(
    store: MemoryStore, settings: CoreSettings, callers: Sequence[Caller], queries: int
) -> tuple[list[float], list[float]]:
    """Median milliseconds of a recall in each round, with the policies and without them."""
    found: dict[str, list[float]] = {"enable": [], "disable": []}
    try:
        for _ in range(ROUNDS):
            for change, medians in found.items():
                await _policies(settings, change)
                medians.append(percentile(await recall_times(store, callers, queries), 0.5))
    finally:
        await _policies(settings, "enable")
    return found["enable"], found["disable"]


def overhead(with_policies: Sequence[float], without: Sequence[float]) -> float:
    """Percent that the policies add to the median."""
    return 100 * (statistics.median(with_policies) / statistics.median(without) - 1)


async def _policies(settings: CoreSettings, change: str) -> None:
    """Only the owner of the tables can do this; the bench's database is its own."""
    with closing(await find_server(settings)) as server:
        async with connected(server.owner_dsn, "bench") as connection:
            for table in TABLES:
                await connection.execute(f"alter table memory.{table} {change} row level security")
