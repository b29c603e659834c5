"""A Slack store for a run: an embedded server in a temporary folder, in STORE if that names a folder (which is kept,
and used again as it is), or the database at DATABASE_URL, which is migrated and adapted."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from rookery_core.database import Database, adapt, migrate
from rookery_core.database.embedded import EmbeddedServer
from rookery_core.identity import Caller
from rookery_ingest.slack.settings import SlackIngestSettings
from rookery_slack.settings import SlackSettings
from rookery_slack.store.session import Store

INGEST = Caller(kind="agent")
READER = Caller()


@dataclass(slots=True)
class BenchStore:
    """The two ends: as ingest writes, and as the server reads."""

    ingest: Database
    reading: Database
    settings: SlackIngestSettings
    store: Store
    server_settings: SlackSettings
    folder: Path
    owner_dsn: str

    async def forget_everything(self) -> None:
        """Empty the store, so that the next part begins again. Runs as ingest, which may delete."""
        tables = (
            "messages",
            "message_history",
            "replies",
            "reactions",
            "message_index",
            "channels",
            "memberships",
            "users",
        )
        async with self.ingest.transaction(INGEST) as connection:
            for table in (*tables, "imported_days", "coverage", "raw_events", "marks"):
                await connection.execute(f"delete from slack.{table} where team = $1", INGEST.team)


class _Open:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def database(self, patience_s: float = 4.0) -> Database:
        return self._database


@asynccontextmanager
async def bench_store() -> AsyncGenerator[BenchStore]:
    """Open the store; what was made for the run alone is stopped and removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="rookery-slack-bench-") as made:
        folder, external = Path(os.environ.get("STORE") or made), os.environ.get("DATABASE_URL")
        values = {"data_dir": folder, "database_url": external, "embedder": "wordllama"}
        settings = SlackIngestSettings.model_validate(values)
        server_settings = SlackSettings.model_validate(values)
        owner_dsn = external or _embedded_owner(folder)
        await migrate(owner_dsn, embedded=external is None)
        async for _ in adapt(owner_dsn):
            pass
        ingest = await Database.open(settings, "rookery_ingest", "bench", max_connections=8)
        async with await Database.open(settings, "rookery_slack", "bench", max_connections=4) as reading:
            gate = _Open(reading)
            store = Store(gate, server_settings)  # pyright: ignore[reportArgumentType] a gate that is open
            yield BenchStore(ingest, reading, settings, store, server_settings, Path(made), owner_dsn)
            await ingest.close()
            if external is None:
                EmbeddedServer.stop(folder)


def _embedded_owner(folder: Path) -> str:
    server = EmbeddedServer.start(folder, idle_s=600)
    server.close()
    return server.owner_dsn
