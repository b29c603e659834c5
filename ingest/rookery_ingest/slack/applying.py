"""Applies raw events to the store, many in one transaction, and keeps each as it came."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from rookery_core.batching import Batcher
from rookery_core.errors import Unavailable
from rookery_core.telemetry import get_logger
from rookery_ingest.slack.cleaning import compact, id_of, text_of
from rookery_ingest.slack.events import Raw, event_facts, inner_event
from rookery_slack.observations import Observations
from rookery_slack.plausible_times import (
    DATED_AHEAD,
    Clock,
    latest_time,
    plausible_observations,
    utc_now,
)
from rookery_slack.store import sync_state
from rookery_slack.store.writer import Merged, Writer
from rookery_slackapi.timestamps import parse_ts

if TYPE_CHECKING:
    from rookery_core.database import Connection, Database
    from rookery_core.identity import Caller

_log = get_logger(__name__)
_DIRECT = frozenset({"im", "mpim", "app_home"})
MAX_BATCH = 500


@dataclass(slots=True)
class Applied:
    """What became of a batch of events."""

    merged: Merged
    events: int = 0
    not_understood: int = 0
    failed: int = 0
    private: int = 0


@dataclass(frozen=True, slots=True)
class ReadEvent:
    """An event as it came, its inner event, and what it tells (None: it was not understood).

    problem: why nothing of it, or not all of it, is stored.
    """

    payload: Raw
    event: Raw
    facts: Observations | None
    problem: str | None = None

    @property
    def is_direct(self) -> bool:
        """Whether it is about a direct conversation."""
        event = self.event
        if text_of(event.get("channel_type")) in _DIRECT:
            return True
        item = event.get("item")
        channel = event.get("channel") or (cast(Raw, item).get("channel") if isinstance(item, dict) else None)
        return isinstance(channel, str) and channel.startswith("D")


def read_event(
    payload: Raw, received_at: datetime | None = None, *, latest: datetime | None = None
) -> ReadEvent:
    """Read an event of any shape.

    received_at: taken for its time where it does not tell one. latest: the last moment that its times may name; an
    event that names a later one (None: more than a day from now) tells nothing of that.
    """
    event, sent_at = inner_event(payload)
    try:
        facts = event_facts(event, sent_at or received_at)
    except (TypeError, ValueError, AttributeError, KeyError, RecursionError):
        return ReadEvent(payload, event, None)
    if facts is None:
        return ReadEvent(payload, event, None)
    plausible, odd = plausible_observations(facts, latest or latest_time())
    return ReadEvent(payload, event, plausible, f"{', '.join(odd)} {DATED_AHEAD}" if odd else None)


class Applier:
    """Applies events for one team. keep_direct: whether direct messages are stored at all."""

    def __init__(
        self, database: Database, caller: Caller, *, keep_direct: bool = False, clock: Clock = utc_now
    ) -> None:
        self._database = database
        self._caller = caller
        self._keep_direct = keep_direct
        self._clock = clock
        self._writer = Writer(caller, clock=clock)

    async def apply(self, payloads: Sequence[Raw]) -> Applied:
        """Apply events in one transaction; when that fails, each in its own, so that one cannot hold up others.

        Raises Unavailable when the database is not there: then nothing was applied.
        """
        try:
            return await self._together(payloads)
        except Unavailable:
            raise
        except Exception:  # noqa: BLE001 any one of them may be to blame; each is tried alone
            _log.debug("a batch of %d events failed", len(payloads), exc_info=True)
        applied = Applied(Merged())
        for payload in payloads:
            one = await self._alone(payload)
            applied.merged.add(one.merged)
            for name in ("events", "not_understood", "failed", "private"):
                setattr(applied, name, getattr(applied, name) + getattr(one, name))
        return applied

    async def _together(self, payloads: Sequence[Raw]) -> Applied:
        latest = latest_time(self._clock)
        read = [read_event(payload, latest=latest) for payload in payloads]
        wanted = [each for each in read if self._keep_direct or not each.is_direct]
        facts = Observations()
        for each in wanted:
            if each.facts is not None:
                facts.add(each.facts)
        async with self._database.transaction(self._caller) as connection:
            merged = await self._writer.merge(connection, facts) if facts else Merged()
            await self._keep(connection, wanted)
        missed = sum(each.facts is None for each in wanted)
        failed = sum(each.problem is not None for each in wanted)
        return Applied(merged, len(wanted), missed, failed, len(read) - len(wanted))

    async def _alone(self, payload: Raw) -> Applied:
        try:
            return await self._together([payload])
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 whatever it is, it concerns this event alone
            _log.warning("an event was kept but not applied: %s", type(error).__name__)
            row = _raw_row(read_event(payload), "failed", f"{type(error).__name__}: {error}"[:500])
            async with self._database.transaction(self._caller) as connection:
                await sync_state.keep_raw(connection, self._caller, [row])
            return Applied(Merged(), 1, 0, 1)

    async def _keep(self, connection: Connection, read: Sequence[ReadEvent]) -> None:
        rows = [_raw_row(each, _outcome(each), each.problem) for each in read]
        await sync_state.keep_raw(connection, self._caller, rows)


def _outcome(read: ReadEvent) -> str:
    if read.problem is not None:
        _log.warning("an event was kept aside: %s", read.problem)
        return "failed"
    return "not_understood" if read.facts is None else "applied"


def _raw_row(read: ReadEvent, outcome: str, problem: str | None) -> tuple[Any, ...]:
    event = read.event
    message = event.get("message")
    item = event.get("item")
    target = cast(Raw, message if isinstance(message, dict) else item if isinstance(item, dict) else event)
    channel = id_of(event.get("channel")) or id_of(target.get("channel"))
    ts = parse_ts(event.get("deleted_ts")) or parse_ts(target.get("ts"))
    kind = ".".join(filter(None, (id_of(event.get("type")), id_of(event.get("subtype")))))
    body = json.dumps(compact(read.payload), ensure_ascii=False)
    return id_of(read.payload.get("event_id")), kind or None, channel, ts, outcome, problem, body


class EventBatcher:
    """Applies the events of concurrent handlers together: while one batch is merged, the next collects."""

    def __init__(self, applier: Applier) -> None:
        self._applier = applier
        self._batcher = Batcher(self._apply_batch, max_batch=MAX_BATCH, name="apply slack events")
        self.changed = asyncio.Event()

    async def apply(self, payload: Raw) -> None:
        """Returns when the event is in the store. Raises Unavailable."""
        await self._batcher.add(payload)

    async def _apply_batch(self, payloads: Sequence[Raw]) -> list[None]:
        await self._applier.apply(payloads)
        self.changed.set()
        return [None] * len(payloads)
