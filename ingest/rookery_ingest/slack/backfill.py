"""Finds what was missed and reads it from Slack's history."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from rookery_core.errors import ConfigurationError, NotAllowed
from rookery_core.telemetry import get_logger
from rookery_ingest.slack.messages import message_facts
from rookery_slack.observations import Observations, Source
from rookery_slack.store import sync_state
from rookery_slack.store.writer import Writer
from rookery_slackapi.timestamps import format_ts, parse_ts

if TYPE_CHECKING:
    from rookery_core.database import Database
    from rookery_core.identity import Caller
    from rookery_slackapi.web import SlackApi

_log = get_logger(__name__)
LOOK_BACK = timedelta(days=7)
"""How far before a gap roots are looked at for replies, and messages for edits, that fell into it."""
PAGE = 200

Yield = Callable[[], Awaitable[None]]
"""Returns when live events have been served."""


@dataclass(slots=True)
class Filled:
    """What a back-fill read."""

    channels: int = 0
    gaps: int = 0
    messages: int = 0
    left_out: tuple[str, ...] = ()


def gaps(
    stretches: list[tuple[datetime, datetime]], now: datetime, reach: timedelta
) -> list[tuple[datetime, datetime]]:
    """The times that are not known within the last `reach`, and between stretches that are known, oldest first."""
    found = [(before[1], after[0]) for before, after in pairwise(stretches)]
    first = stretches[0][0] if stretches else now
    if now - reach < first:
        found.insert(0, (now - reach, first))
    if stretches and stretches[-1][1] < now:
        found.append((stretches[-1][1], now))
    return found


async def _at_once() -> None:
    return None


class Backfiller:
    """Fills gaps for one team."""

    def __init__(
        self,
        database: Database,
        caller: Caller,
        api: SlackApi,
        *,
        reach: timedelta,
        after_live: Yield = _at_once,
    ) -> None:
        self._database = database
        self._caller = caller
        self._api = api
        self._reach = reach
        self._after_live = after_live
        self._writer = Writer(caller)

    async def run(self, channels: list[str]) -> Filled:
        """Fill every gap of these channels, the newest first in each."""
        filled = Filled()
        for channel in channels:
            async with self._database.transaction(self._caller) as connection:
                stretches = await sync_state.coverage_of(connection, self._caller, channel)
            try:
                for start, end in reversed(gaps(stretches, datetime.now(UTC), self._reach)):
                    filled.messages += await self._fill(channel, start, end)
                    filled.gaps += 1
            except ConfigurationError:
                raise
            except NotAllowed as error:
                filled.left_out = (*filled.left_out, f"{channel}: {error.message}")
                continue
            filled.channels += 1
        return filled

    async def _fill(self, channel: str, start: datetime, end: datetime) -> int:
        """Read [start, end] of a channel, and what changed meanwhile shortly before; then it is covered."""
        read = 0
        oldest = format_ts(max(start - LOOK_BACK, datetime(1970, 1, 2, tzinfo=UTC)))
        pages = self._api.pages(
            "conversations.history", "messages", channel=channel, oldest=oldest, latest=format_ts(end),
            inclusive=True, limit=PAGE,
        )  # fmt: skip
        async for page in pages:
            read += await self._store(channel, page)
            for root in page:
                latest = parse_ts(root.get("latest_reply"))
                if root.get("reply_count") and (latest is None or latest >= start):
                    read += await self._replies(channel, str(root["ts"]), start, end)
            await self._after_live()
        async with self._database.transaction(self._caller) as connection:
            await sync_state.cover(connection, self._caller, {channel: (start, end)})
        return read

    async def _replies(self, channel: str, root: str, start: datetime, end: datetime) -> int:
        read = 0
        pages = self._api.pages(
            "conversations.replies", "messages", channel=channel, ts=root, oldest=format_ts(start),
            latest=format_ts(end), inclusive=True, limit=PAGE,
        )  # fmt: skip
        async for page in pages:
            read += await self._store(channel, [message for message in page if message.get("ts") != root])
        return read

    async def _store(self, channel: str, page: list[dict[str, Any]]) -> int:
        now, facts = datetime.now(UTC), Observations()
        for raw in page:
            found = message_facts(raw, channel, source=Source.SNAPSHOT, snapshot_at=now)
            if found:
                facts.add(found)
        async with self._database.transaction(self._caller) as connection:
            await self._writer.merge(connection, facts)
        return len(page)
