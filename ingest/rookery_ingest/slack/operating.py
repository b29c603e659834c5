"""Commands for the operator: sync, backfill, replay, status, retention, discard, erase."""

from __future__ import annotations

import argparse
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from rookery_core.errors import InvalidInput, NotFound
from rookery_ingest.slack.applying import MAX_BATCH
from rookery_ingest.slack.backfill import Backfiller
from rookery_ingest.slack.live import joined_channels, slack_api
from rookery_ingest.slack.replaying import replay
from rookery_ingest.slack.running import ingest_caller, ingest_database
from rookery_ingest.slack.status import read_status, status_text
from rookery_ingest.slack.sync import Synchroniser
from rookery_slack.store import erasure, sync_state

if TYPE_CHECKING:
    from rookery_core.database import Connection
    from rookery_core.identity import Caller
    from rookery_ingest.slack.settings import SlackIngestSettings


async def sync_command(arguments: argparse.Namespace, settings: SlackIngestSettings) -> int:
    """Read people, channels, members and groups anew."""
    async with ingest_database(settings) as database, slack_api(database, settings) as api:
        synchroniser = Synchroniser(database, ingest_caller(settings), api, keep_direct=settings.ingest_dms)
        synced = await synchroniser.run()
    if synced is None:
        print("another copy is synchronising just now")
        return 0
    print(
        f"{synced.users} people, {synced.channels} channels, {synced.members} members, {synced.groups} groups"
    )
    for line in synced.left_out:
        print(f"  left out: {line}")
    return 0


async def backfill_command(arguments: argparse.Namespace, settings: SlackIngestSettings) -> int:
    """Read what was missed."""
    async with ingest_database(settings) as database, slack_api(database, settings) as api:
        caller = ingest_caller(settings)
        channels = list(arguments.channels) or await joined_channels(api, direct=settings.ingest_dms)
        filler = Backfiller(database, caller, api, reach=timedelta(days=arguments.days))
        filled = await filler.run(channels)
    print(f"{filled.messages} messages read in {filled.gaps} gaps of {filled.channels} channels")
    for line in filled.left_out:
        print(f"  left out: {line}")
    return 0


async def replay_command(arguments: argparse.Namespace, settings: SlackIngestSettings) -> int:
    """Apply again what was not understood or failed."""
    async with ingest_database(settings) as database:
        replayed = await replay(
            database, ingest_caller(settings), keep_direct=settings.ingest_dms, batch=MAX_BATCH
        )
    print(f"{replayed.applied} events applied, {replayed.left} still not understood")
    return 0


async def status_command(arguments: argparse.Namespace, settings: SlackIngestSettings) -> int:
    """How complete and how fresh the memory is."""
    async with ingest_database(settings) as database:
        status = await read_status(database, ingest_caller(settings))
    print(json.dumps(status, ensure_ascii=False) if arguments.json else status_text(status))
    return 0


async def retention_command(arguments: argparse.Namespace, settings: SlackIngestSettings) -> int:
    """Show or set how long channels are kept."""
    caller = ingest_caller(settings)
    async with ingest_database(settings) as database, database.transaction(caller) as connection:
        if arguments.days is not None or arguments.forever:
            name = arguments.channel or "*"
            channel = name if name == "*" else await _channel(connection, caller, name)
            await sync_state.set_retention(connection, caller, channel, arguments.days)
            gone = await erasure.apply_retention(connection, caller)
            print(f"{gone} messages forgotten")
        rules = await sync_state.retention_rules(connection, caller)
    for channel, days in rules.items():
        print(f"{'every other channel' if channel == '*' else channel}: {days} days")
    if "*" not in rules:
        print("every other channel: for ever" if rules else "every channel: for ever")
    return 0


async def discard_command(arguments: argparse.Namespace, settings: SlackIngestSettings) -> int:
    """Show or change what is never stored."""
    caller = ingest_caller(settings)
    async with ingest_database(settings) as database, database.transaction(caller) as connection:
        if arguments.add is not None:
            await sync_state.add_discard_rule(connection, caller, arguments.add, arguments.note)
        if arguments.remove is not None and not await sync_state.remove_discard_rule(
            connection, caller, arguments.remove
        ):
            raise NotFound(f"--remove: there is no rule {arguments.remove}.")
        rules = await sync_state.discard_rules(connection, caller)
    for row in rules:
        print(f"{row['id']}: {row['rule']}{' (' + row['note'] + ')' if row['note'] else ''}")
    if not rules:
        print("no rules: everything is stored")
    return 0


async def erase_command(arguments: argparse.Namespace, settings: SlackIngestSettings) -> int:
    """Forget a person or a channel for good."""
    if (arguments.user is None) == (arguments.channel is None):
        raise InvalidInput("erase: give either --user or --channel.")
    if not arguments.yes:
        raise InvalidInput("erase: this cannot be undone.", hint="Add --yes if you mean it.")
    caller = ingest_caller(settings)
    async with ingest_database(settings) as database, database.transaction(caller) as connection:
        if arguments.user:
            gone = await erasure.erase_user(connection, caller, arguments.user)
        else:
            gone = await erasure.erase_channel(
                connection, caller, await _channel(connection, caller, arguments.channel)
            )
    print(f"{gone} messages erased; nothing of it is stored again")
    return 0


async def _channel(connection: Connection, caller: Caller, name: str) -> str:
    """A channel's id by its id or name, private ones too: the operator sees all."""
    wanted = name.removeprefix("#")
    rows: list[Any] = await sync_state.coverage(connection, caller)
    found = [row["channel"] for row in rows if wanted in (row["channel"], row["name"])]
    if len(found) != 1:
        near = [f"{row['name']} ({row['channel']})" for row in rows if wanted in str(row["name"])]
        count = "no channel is" if not found else f"{len(found)} channels are"
        raise NotFound(f"--channel: {count} called {wanted!r}.", candidates=near[:8])
    return found[0]
