"""Find or start the database server that the settings name, and migrate it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rookery_core.database import migrations
from rookery_core.database.adaptation import adapt_quietly, is_due
from rookery_core.database.connections import connected
from rookery_core.database.embedded import EmbeddedServer

if TYPE_CHECKING:
    from rookery_core.settings import CoreSettings


@dataclass(slots=True)
class Server:
    """The addresses of the database. `close` ends this program's lease on an embedded server."""

    settings: CoreSettings
    serving_dsn: str = field(repr=False)
    owner_dsn: str = field(repr=False)
    embedded: EmbeddedServer | None = None

    async def revive(self) -> None:
        """Start the embedded server again after it was stopped or killed. Raises Unavailable."""
        if self.embedded is not None:
            old = self.embedded
            self.embedded = await _start_embedded(self.settings)
            old.close()

    def close(self) -> None:
        if self.embedded is not None:
            self.embedded.close()


async def find_server(settings: CoreSettings) -> Server:
    """The server of DATABASE_URL, or the embedded one, which is started if necessary.

    Raises ConfigurationError or Unavailable when the embedded server cannot run.
    """
    if settings.database_url is not None:
        dsn = settings.database_url.get_secret_value()
        return Server(settings, serving_dsn=dsn, owner_dsn=dsn)
    embedded = await _start_embedded(settings)
    return Server(settings, embedded.app_dsn, embedded.owner_dsn, embedded)


async def ensure_migrated(server: Server, *, migrate: bool | None, role: str | None = None) -> None:
    """Apply pending migrations if `migrate` is true (None: on the embedded server only).

    Raises ConfigurationError for pending migrations that it may not apply.
    """
    automatic = server.embedded is not None if migrate is None else migrate
    async with connected(server.serving_dsn, "rookery") as connection:
        record = await migrations.applied(connection)
        due = not record or await is_due(connection)
    if not automatic:
        migrations.require_none_pending(record, role)
        return
    if not record or migrations.pending(record):
        await migrations.migrate(server.owner_dsn, embedded=server.embedded is not None)
        due = True
    if due and server.embedded is not None:
        await adapt_quietly(server.owner_dsn)


async def _start_embedded(settings: CoreSettings) -> EmbeddedServer:
    return await asyncio.to_thread(EmbeddedServer.start, settings.data_dir, idle_s=settings.database_idle_s)
