"""Imports an export: lists first, then the days of every channel, each batch in one transaction.

A day is remembered by the hash of its content in the transaction that stores it, so that an import that was killed
goes on where it was, and importing the same again finds nothing to do.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from itertools import groupby
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import asyncpg

from rookery_core.foreign.files import NotOpened
from rookery_ingest.slack.cleaning import compact
from rookery_ingest.slack.directory import channel_facts, user_fact
from rookery_ingest.slack.export.archive import Archive, open_archive
from rookery_ingest.slack.export.choosing import Options, chosen
from rookery_ingest.slack.export.days import DayReader
from rookery_ingest.slack.export.layout import Conversation, Day, Layout, read_layout
from rookery_ingest.slack.export.report import Report
from rookery_ingest.slack.export.workspace_url import UrlGuess
from rookery_slack.observations import MembersListed, Observations, WorkspaceFact
from rookery_slack.plausible_times import DATED_AHEAD, Clock, latest_time, utc_now
from rookery_slack.store import sync_state
from rookery_slack.store.writer import Merged, Writer
from rookery_slackapi.timestamps import parse_ts

if TYPE_CHECKING:
    from rookery_core.database import Database
    from rookery_core.identity import Caller

BATCH = 1000
"""Messages merged in one transaction."""
PORTION_DAYS = 100
"""Days of small channels that are read, and merged, together: most workspaces have many channels with few messages."""
_FAULTS_OF_ROWS = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.ProgramLimitExceededError,
)
"""What the store raises about a single row."""
Progress = Callable[[int, int], None]
"""Called with days done and days in all."""


@dataclass(slots=True)
class _Batch:
    """Facts to be merged at once, the days that are complete with them, and the messages of those kept aside."""

    facts: Observations = field(default_factory=Observations)
    complete: list[tuple[Day, bytes, int]] = field(default_factory=list[tuple[Day, bytes, int]])
    aside: list[tuple[Any, ...]] = field(default_factory=list[tuple[Any, ...]])
    days: int = 0


async def import_export(
    database: Database | None,
    caller: Caller,
    path: Path,
    options: Options,
    progress: Progress | None = None,
    *,
    clock: Clock = utc_now,
) -> Report:
    """Import the export at `path`. database may be None for a dry run. Raises InvalidInput, NotFound (a channel)."""
    started = monotonic()
    report = Report(str(path), dry_run=options.dry_run)
    with open_archive(path) as archive:
        latest = latest_time(clock)
        layout = chosen(await asyncio.to_thread(read_layout, archive, report, latest), options, report)
        importer = _Importer(database, caller, archive, layout, options, report, progress, clock)
        await importer.run()
    report.seconds = monotonic() - started
    report.seconds_searchable = report.seconds
    return report


def _silently(_done: int, _all: int) -> None:
    return None


class _Importer:
    def __init__(
        self,
        database: Database | None,
        caller: Caller,
        archive: Archive,
        layout: Layout,
        options: Options,
        report: Report,
        progress: Progress | None,
        clock: Clock,
    ) -> None:
        self._database = None if options.dry_run else database
        self._caller = caller
        self._archive = archive
        self._layout = layout
        self._options = options
        self._report = report
        self._progress = progress or _silently
        self._latest = latest_time(clock)
        self._writer = Writer(caller, clock=clock)
        self._known: set[tuple[str, str, bytes]] = set()
        self._done = 0
        self._broken: set[str] = set()
        self._urls = UrlGuess(conversation.id for conversation in layout.conversations)
        self._counting = threading.Lock()
        self._merged = 0
        self._planned_for = 0

    async def run(self) -> None:
        report, layout = self._report, self._layout
        report.users, report.channels, report.days = (
            len(layout.users),
            len(layout.conversations),
            len(layout.days),
        )
        if self._database:
            async with self._database.transaction(self._caller) as connection:
                self._known = await sync_state.known_days(connection, self._caller, layout.snapshot_at)
        await self._merge(_Batch(self._lists()))
        pending = _portions(layout.days)
        async with asyncio.TaskGroup() as group:
            for _ in range(max(1, self._options.workers)):
                group.create_task(self._work(pending))
        await self._finish()

    async def _work(self, pending: Iterator[list[Day]]) -> None:
        """Merge one batch while the next is being read."""
        for days in pending:
            batches = self._batches(days)
            batch = await asyncio.to_thread(next, batches, None)
            while batch is not None:
                reading = asyncio.create_task(asyncio.to_thread(next, batches, None))
                try:
                    await self._merge(batch)
                finally:
                    following = await reading
                self._done += batch.days
                self._progress(self._done, len(self._layout.days))
                batch = following
            await self._cover(days)

    def _lists(self) -> Observations:
        """People, channels and members, as of the moment of the export."""
        layout, facts = self._layout, Observations()
        for user in layout.users:
            fact = user_fact(user, layout.snapshot_at, workspace=layout.workspace)
            if fact:
                facts.users.append(fact)
        for each in layout.conversations:
            found = channel_facts(each.raw, layout.snapshot_at, kind=each.kind, workspace=layout.workspace)
            if found:
                facts.add(_closed(found, each))
        return facts

    def _batches(self, days: Sequence[Day]) -> Iterator[_Batch]:
        batch = _Batch()
        for day in days:
            batch.days += 1
            for full in self._read(day, batch):
                yield replace(full)
                batch.facts, batch.complete, batch.aside, batch.days = Observations(), [], [], 0
            if len(batch.facts.messages) >= BATCH:
                yield batch
                batch = _Batch()
        yield batch

    def _read(self, day: Day, batch: _Batch) -> Iterator[_Batch]:
        """Add a day to the batch; yields the batch whenever the day alone fills it."""
        try:
            data = self._archive.read(day.name)
        except NotOpened as error:
            self._report.skip(f"day of messages: {error.message}", day.name)
            self._broken.add(day.channel)
            return
        digest = hashlib.blake2b(data, digest_size=16).digest()
        if (day.channel, day.date, digest) in self._known:
            self._report.days_known += 1
            return
        part = Report(day.name)
        reader = DayReader(day.name, day.channel, self._layout.snapshot_at, self._latest, part)
        for facts in reader.observations(data):
            self._urls.look_at(facts)
            batch.facts.add(facts)
            if len(batch.facts.messages) >= 2 * BATCH:
                yield batch
        with self._counting:  # days of several channels are read in threads
            self._report.absorb(part)
        batch.complete.append((day, digest, part.messages))
        batch.aside += [_kept_aside(message, day.channel) for message in reader.dated_ahead]

    async def _merge(self, batch: _Batch) -> None:
        """Merge a batch in one transaction; if the store refuses it, all but what it refuses."""
        if self._database is None or not (batch.facts or batch.complete):
            return
        try:
            merged = await self._merge_together(batch)
        except _FAULTS_OF_ROWS:
            merged = await self._merge_apart(batch.facts)
            merged.add(await self._merge_together(replace(batch, facts=Observations())))
        self._count(merged)
        await self._tell_planner(len(batch.facts.messages))

    async def _merge_together(self, batch: _Batch) -> Merged:
        assert self._database is not None
        async with self._database.transaction(self._caller) as connection:
            await sync_state.commit_lazily(connection)
            merged = await self._writer.merge(connection, batch.facts)
            for day, digest, messages in batch.complete:
                await sync_state.remember_day(
                    connection,
                    self._caller,
                    day.channel,
                    day.date,
                    digest,
                    self._layout.snapshot_at,
                    messages,
                )
            await sync_state.keep_raw(connection, self._caller, batch.aside)
        return merged

    async def _merge_apart(self, facts: Observations) -> Merged:
        """Merge halves, and halves of those that the store refuses, until what it refuses stands alone."""
        merged = Merged()
        for half in facts.halves():
            try:
                merged.add(await self._merge_together(_Batch(half)))
            except _FAULTS_OF_ROWS as error:
                if len(half) > 1:
                    merged.add(await self._merge_apart(half))
                else:
                    kind = f"observation that the store cannot hold ({type(error).__name__})"
                    self._report.skip(kind, half.description())
        return merged

    async def _tell_planner(self, messages: int) -> None:
        """After as much as one batch, and whenever there are four times as many: see slack.refresh_planner."""
        assert self._database is not None
        self._merged += messages
        if self._merged >= max(BATCH, 4 * self._planned_for):
            self._planned_for = self._merged
            async with self._database.transaction(self._caller) as connection:
                await sync_state.refresh_planner(connection)

    def _count(self, merged: Merged) -> None:
        self._report.added += merged.added
        self._report.changed += merged.changed
        self._report.kept_out += merged.discarded + merged.refused
        if merged.discarded:
            self._report.skip(
                "message that a discard rule keeps out", "slack.discard_rules", merged.discarded
            )
        if merged.refused:
            self._report.skip("message past its retention, or erased", "slack.retention", merged.refused)

    async def _cover(self, days: Sequence[Day]) -> None:
        """Their channels are known whole from the first day of the export to its last moment."""
        if self._database is None:
            return
        firsts: dict[str, date] = {}
        last = self._layout.snapshot_at.date().isoformat()
        for day in days:
            if day.channel not in self._broken and day.date <= last:
                on = date.fromisoformat(day.date)
                firsts[day.channel] = min(on, firsts.get(day.channel, on))
        stretches = {channel: self._stretch(first) for channel, first in firsts.items()}
        async with self._database.transaction(self._caller) as connection:
            await sync_state.cover(connection, self._caller, stretches)

    def _stretch(self, first: date) -> sync_state.Stretch:
        start, snapshot_at = datetime.combine(first, time.min, UTC), self._layout.snapshot_at
        if self._options.since is None:
            start = min(start, snapshot_at)
        return start, max(snapshot_at, start)

    async def _knows_url(self) -> bool:
        """Whether an earlier import or synchronisation told the address."""
        if self._database is None:
            return False
        async with self._database.transaction(self._caller) as connection:
            return await sync_state.knows_workspace_url(connection, self._caller)

    async def _finish(self) -> None:
        """Remember where permalinks of this workspace lead, if it is known."""
        workspace, url = self._layout.workspace, self._options.url or self._urls.best()
        self._report.no_url = url is None and not await self._knows_url()
        if workspace is None or url is None or self._database is None:
            return
        fact = WorkspaceFact(workspace, self._layout.snapshot_at, url=url.rstrip("/"))
        async with self._database.transaction(self._caller) as connection:
            await self._writer.merge(connection, Observations(workspaces=[fact]))


def _kept_aside(message: dict[str, Any], channel: str) -> tuple[Any, ...]:
    """A raw event of the message, which can be replayed when its time has come."""
    payload = json.dumps(compact({**message, "type": "message", "channel": channel}), ensure_ascii=False)
    return None, "message", channel, parse_ts(message.get("ts")), "failed", DATED_AHEAD, payload


def _portions(days: Sequence[Day]) -> Iterator[list[Day]]:
    """What one worker reads at a time: a channel, or so many small ones that a batch has enough to merge; long first."""
    channels = [list(group) for _, group in groupby(days, key=lambda day: day.channel)]
    portion: list[Day] = []
    for channel in sorted(channels, key=len, reverse=True):
        portion += channel
        if len(portion) >= PORTION_DAYS:
            yield portion
            portion = []
    if portion:
        yield portion


def _closed(facts: Observations, conversation: Conversation) -> Observations:
    """A conversation that is not public and comes without its members is for nobody, until they are known."""
    if conversation.kind != "public" and not facts.member_lists:
        facts.member_lists.append(MembersListed(conversation.id, facts.channels[0].at))
    return facts
