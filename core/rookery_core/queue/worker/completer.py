"""Writes the outcomes of finished handlers: events are finished or released, many in one statement."""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

from rookery_core import telemetry
from rookery_core.errors import RookeryError
from rookery_core.queue.claims import CLAIMS_SQL, Finish, Release, finish_columns, release_columns
from rookery_core.queue.effects import check_effect, duplicate_effect
from rookery_core.queue.errors import LeaseLost
from rookery_core.queue.model import Event, encode_json
from rookery_core.queue.queue import Queue
from rookery_core.queue.worker.connection_loop import ConnectionLoop
from rookery_core.queue.worker.executor import ClaimedEvent, Policies
from rookery_core.queue.worker.low_water_marks import LowWaterMarks
from rookery_core.queue.worker.signals import Signals

logger = telemetry.get_logger(__name__)
MAX_BATCH = 800
_BUSY_PAUSE_S = 0.003


class _PendingEffect(NamedTuple):
    """A handler that waits for the commit of its effect and its completion."""

    event: Event
    name: str
    committed: asyncio.Future[None]


class Completer(ConnectionLoop):
    """Writes the outcomes of handlers. It survives a lost connection: what was not confirmed is sent again, and the
    token of the lease keeps that harmless."""

    def __init__(self, queue: Queue, policies: Policies, marks: LowWaterMarks, signals: Signals) -> None:
        super().__init__(queue, asyncio.Event())
        self._policies = policies
        self._marks = marks
        self._signals = signals
        self._finishes: list[Finish] = []
        self._releases: list[Release] = []
        self._effects: dict[int, _PendingEffect] = {}
        self._resent = False  # the last batch may have been committed before its connection was lost
        self._freed_topics: set[str] = set()  # where another event may have become ready

    # --- what the executor and the handlers tell it

    def finish(self, claimed: ClaimedEvent, outcome: str, error: str | None = None) -> None:
        """Finish an event; `committed`: a transaction of its handler has completed it already."""
        event = claimed.event
        if event.ordering_key is not None or self._policies[event.subscription].concurrency is not None:
            self._freed_topics.add(event.topic)
            self._marks.rewind(event)
        if outcome != "committed":
            plain = outcome == "done" and event.ordering_key is None
            self._finishes.append(Finish(event.id, event.token, None if plain else outcome, error))
        self._signal.set()
        self._signals.slot_freed()

    async def finish_with_effect(self, event: Event, name: str, receipt: Any, request: Any) -> None:
        """Complete an event with an effect, in the next statement.

        Raises LeaseLost when another claim has the event, Conflict when it already has an effect of that name.
        """
        committed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = Finish(
            event.id, event.token, "done", None, check_effect(name), encode_json(request, "request"),
            encode_json(receipt, "receipt"),
        )  # fmt: skip
        self._effects[event.id] = _PendingEffect(event, name, committed)
        self._finishes.append(entry)
        self._signal.set()
        await committed

    def release(
        self,
        claimed: ClaimedEvent,
        delay_s: float | None,
        error: str | None,
        *,
        consumes_attempt: bool = True,
    ) -> None:
        """Return an event to the queue after delay_s (None: the backoff)."""
        event = claimed.event
        self._marks.rewind(event)
        self.release_lease(Release(event.id, event.token, delay_s, consumes_attempt, error))
        self._signals.slot_freed()

    def release_lease(self, entry: Release) -> None:
        """Return an event to the queue that never reached a slot."""
        self._releases.append(entry)
        self._signal.set()

    # --- the loop

    def has_work(self) -> bool:
        return bool(self._finishes or self._releases or self._freed_topics)

    async def work(self) -> None:
        await asyncio.sleep(0)  # handlers that were just answered may add their next outcome to this batch
        if self._releases:
            await self._write_releases()
        if self._finishes:
            await self._write_finishes()
        elif self._freed_topics:
            topics, self._freed_topics = self._freed_topics, set[str]()
            await self._announce_freed(topics)

    async def _write_finishes(self) -> None:
        batch, self._finishes = self._finishes[:MAX_BATCH], self._finishes[MAX_BATCH:]
        topics, self._freed_topics = self._freed_topics, set[str]()
        try:
            rows = await self._send_finishes(batch)
        except BaseException:
            self._finishes[:0] = batch
            self._freed_topics |= topics
            self._resent = True
            raise
        await self._confirm(batch, {row["id"]: row["problem"] for row in rows}, topics)
        if topics:
            await self._announce_freed(topics)

    async def _send_finishes(self, batch: list[Finish]) -> list[Any]:
        team, now = self.queue.team, self.queue.now()
        if any(entry.outcome for entry in batch):
            ids, tokens, outcomes, errors, *effect = finish_columns(batch)
            return await self.fetch(
                CLAIMS_SQL["finish_events"], team, now, ids, tokens, outcomes, errors, False, *effect
            )
        ids, tokens = [entry.event_id for entry in batch], [entry.token for entry in batch]
        return await self.fetch(CLAIMS_SQL["complete_events"], team, now, ids, tokens)

    async def _confirm(self, batch: list[Finish], problems: dict[int, str], topics: set[str]) -> None:
        """Answer the handlers that wait; send again what was busy because its lane was locked."""
        resent, self._resent = self._resent, False
        if not problems and not self._effects:
            return
        for entry in batch:
            problem = problems.get(entry.event_id)
            if problem == "busy":
                asyncio.get_running_loop().call_later(_BUSY_PAUSE_S, self._finish_again, entry, topics)
            elif entry.effect is not None:
                await self._confirm_effect(self._effects.pop(entry.event_id), problem, resent=resent)
            elif problem == "lost" and not resent:
                logger.warning("event %s: completion rejected, another claim holds its lease", entry.event_id)

    def _finish_again(self, entry: Finish, topics: set[str]) -> None:
        self._finishes.append(entry)
        self._freed_topics |= topics
        self._signal.set()

    async def _confirm_effect(self, pending: _PendingEffect, problem: str | None, *, resent: bool) -> None:
        """Answer a handler. resent: the batch was sent twice, so `lost` may mean that the first one was committed."""
        if pending.committed.done():
            return
        try:
            if problem == "lost" and resent and await self._has_receipt(pending):
                problem = None
        except RookeryError as error:  # the outcome is unknown: the handler fails, and its next attempt asks
            pending.committed.set_exception(error)
            return
        if problem is None:
            pending.committed.set_result(None)
        elif problem == "duplicate_effect":
            pending.committed.set_exception(duplicate_effect(pending.event, pending.name))
        else:
            pending.committed.set_exception(LeaseLost.of(pending.event.id))

    async def _has_receipt(self, pending: _PendingEffect) -> bool:
        effects = await self.queue.effects.of(pending.event)
        return any(effect["name"] == pending.name and effect["receipt"] is not None for effect in effects)

    async def _announce_freed(self, topics: set[str]) -> None:
        """An event became ready behind a finished one: claim it, or notify others when every slot is busy."""
        if not self._signals.expect_events_if_room():
            await self.queue.notify(topics)

    async def _write_releases(self) -> None:
        batch, self._releases = self._releases, []
        try:
            rows = await self.fetch(
                CLAIMS_SQL["release_events"],
                self.queue.team,
                self.queue.now(),
                *release_columns(batch),
                False,
            )
        except BaseException:
            self._releases[:0] = batch
            raise
        entries = {entry.event_id: entry for entry in batch}
        for row in rows:
            if row["status"] == "busy":
                loop = asyncio.get_running_loop()
                loop.call_later(_BUSY_PAUSE_S, self.release_lease, entries[row["id"]])
            elif row["status"] == "released":
                self._announce_released(row["topic"], row["delay_s"])

    def _announce_released(self, topic: str, delay_s: float | None) -> None:
        if delay_s:
            self._signals.retry_in(delay_s)
        else:
            self._freed_topics.add(topic)
