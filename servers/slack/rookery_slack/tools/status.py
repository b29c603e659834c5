"""memory_status."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from rookery_slack.answers import Coverage, Status
from rookery_slack.lookup import resolve_channels, zone_of
from rookery_slack.tools.arguments import Channels
from rookery_slack.tools.base import SlackTools
from rookery_slackapi.timestamps import local_iso

if TYPE_CHECKING:
    from datetime import tzinfo

    from rookery_core.database import Row

MOST_CHANNELS = 50
MOST_STRETCHES = 5


class StatusTools(SlackTools):
    """Says what the memory holds."""

    async def memory_status(self, channels: Channels = None) -> Status:
        """How complete and fresh the Slack memory is: for each channel how many messages, which time ranges are complete
        (the newest; between them are gaps), how many messages semantic search cannot find yet."""
        async with self.store.session() as session:
            zone = await zone_of(session)
            wanted = await resolve_channels(session, channels)
            rows = await session.rows("channel_coverage", wanted)
            fresh = await self.freshness(session, zone, wanted)
            cards = await session.rows("channel_cards", [row["channel"] for row in rows])
        answer = Status(channels=[_coverage(row, zone) for row in rows[:MOST_CHANNELS]])
        answer["messages"] = sum(row["messages"] for row in rows)
        if not self.base and any(card["url"] is None for card in cards):
            answer["permalinks"] = "the workspace's address is unknown; set ROOKERY_SLACK_URL for exact links"
        if len(rows) > MOST_CHANNELS:
            answer["left_out"] = f"{len(rows) - MOST_CHANNELS} further channels; name them in channels."
        answer.update(fresh)  # pyright: ignore[reportCallIssue, reportArgumentType] keys of Answer
        return answer


def _coverage(row: Row, zone: tzinfo) -> Coverage:
    found = Coverage(
        channel=row["name"] or row["channel"], channel_id=row["channel"], messages=row["messages"]
    )
    if row["first_ts"] is not None:
        found["first"], found["last"] = _told(row["first_ts"], zone), _told(row["last_ts"], zone)
    if row["covered"]:
        found["covered"] = [
            [_told(datetime.fromisoformat(edge), zone) for edge in stretch]
            for stretch in row["covered"][-MOST_STRETCHES:]
        ]
        if gaps := len(row["covered"]) - 1:
            found["gaps"] = gaps
    if row["without_vector"]:
        found["without_vector"] = row["without_vector"]
    return found


def _told(moment: datetime, zone: tzinfo) -> str:
    return local_iso(moment, zone)
