"""Tools about what went on: in channels since some moment, or with one person."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from rookery_core.dates import parse_time_range
from rookery_core.errors import InvalidInput
from rookery_core.serving.arguments import Cursor, Limit, MaxTokens
from rookery_core.serving.paging import Page
from rookery_core.text import explain_fence
from rookery_slack.answers import Activity, Digest, Highlight, Said
from rookery_slack.lookup import resolve_channels, resolve_user, zone_of
from rookery_slack.presentation import presenter_for
from rookery_slack.tools.arguments import Channels, End, Start
from rookery_slack.tools.base import SlackTools
from rookery_slackapi.timestamps import EARLIEST, LATEST, format_ts, local_iso, parse_ts

if TYPE_CHECKING:
    from datetime import tzinfo

    from rookery_core.database import Row
    from rookery_slack.presentation import Presenter
    from rookery_slack.store.session import Session

HIGHLIGHTS = 3
HIGHLIGHT_TOKENS = 90


class ActivityTools(SlackTools):
    """Looks back."""

    async def catch_up(
        self, since: Start, channels: Channels = None, until: End = "", max_tokens: MaxTokens = 4000
    ) -> Digest:
        """What changed in Slack since a moment: figures for each channel, and its busiest threads with their links.

        The busiest channels come first; left_out says how many did not fit.
        """
        async with self.store.session() as session:
            zone = await zone_of(session)
            begin, stop = parse_time_range(since, until, zone=zone, now=self.now(), fields=("since", "until"))
            wanted = await resolve_channels(session, channels)
            if begin is None:
                raise InvalidInput(
                    "since must not be empty.", hint="Write a date or a span such as `yesterday` or `7d`."
                )
            span = (begin, stop or self.now())
            counts = await session.rows("count_activity", wanted, *span)
            return await self._digest(session, counts, span, zone, max_tokens, wanted)

    async def _digest(
        self,
        session: Session,
        counts: list[Row],
        span: tuple[datetime, datetime],
        zone: tzinfo,
        max_tokens: int,
        wanted: list[str] | None,
    ) -> Digest:
        cards = {
            row["id"]: row for row in await session.rows("channel_cards", [row["channel"] for row in counts])
        }
        shown = counts[: max(1, max_tokens // (HIGHLIGHTS * (HIGHLIGHT_TOKENS + 45)))]
        roots = {row["channel"]: await self._roots(session, row["channel"], span) for row in shown}
        presenter = await presenter_for(
            session, [row for rows in roots.values() for row in rows], zone, self.base
        )
        activities: list[Activity] = []
        for row in shown:
            name = cards[row["channel"]]["name"] or row["channel"]
            activity = Activity(channel=name, channel_id=row["channel"])
            for figure in ("messages", "threads", "people", "edited", "deleted"):
                if row[figure]:
                    activity[figure] = row[figure]
            activity["highlights"] = [_highlight(presenter, each) for each in roots[row["channel"]]]
            activities.append(activity)
        answer = Digest(notice=explain_fence(presenter.nonce), range=_span(span, zone), channels=activities)
        if len(shown) < len(counts):
            answer["left_out"] = (
                f"{len(counts) - len(shown)} quieter channels; name them in channels to read of them."
            )
        answer.update(await self.freshness(session, zone, wanted))  # pyright: ignore[reportCallIssue, reportArgumentType] keys of Answer
        return answer

    async def _roots(self, session: Session, channel: str, span: tuple[datetime, datetime]) -> list[Row]:
        busiest = await session.rows("busiest_threads", channel, *span, HIGHLIGHTS)
        times = [row["root_ts"] for row in busiest]
        rows = await session.rows("read_messages", [channel] * len(times), times)
        return sorted(rows, key=lambda row: times.index(row["ts"]))

    async def get_user_activity(
        self,
        user: Annotated[str, Field(description="name, @handle, id or me")],
        start: Start = "",
        end: End = "",
        channels: Channels = None,
        limit: Limit = 30,
        max_tokens: MaxTokens = 4000,
        cursor: Cursor = "",
    ) -> Said:
        """What someone wrote in Slack, newest first, in all channels or those named; with links to read around it."""
        arguments = [user, start, end, channels]
        page = Page.open("get_user_activity", arguments, cursor, max_tokens)
        async with self.store.session() as session:
            zone = await zone_of(session)
            person = await resolve_user(session, user)
            begin, stop = parse_time_range(start, end, zone=zone, now=self.now(), fields=("start", "end"))
            wanted = await resolve_channels(session, channels)
            last = parse_ts(page.position.get("before")) or stop or LATEST
            rows = await session.rows("read_author", person, wanted, begin or EARLIEST, last, limit + 1)
            presenter = await presenter_for(session, rows, zone, self.base)
            messages = presenter.fitted(rows[:limit], page)
            answer = Said(notice=explain_fence(presenter.nonce), user=person)
            if begin:
                answer["range"] = _span((begin, min(stop or LATEST, self.now())), zone)
            answer["messages"] = messages
            answer["people"] = presenter.people()
            if len(messages) < len(rows):
                answer["left_out"] = "Older messages; pass next_cursor as cursor to read them."
                oldest = rows[len(messages) - 1]["ts"]
                answer["next_cursor"] = page.cursor(before=format_ts(oldest - timedelta(microseconds=1)))
            answer.update(await self.freshness(session, zone, wanted))  # pyright: ignore[reportCallIssue, reportArgumentType] keys of Answer
            return answer


def _highlight(presenter: Presenter, row: Row) -> Highlight:
    message = presenter.message(row, HIGHLIGHT_TOKENS)
    kept = Highlight(
        time=message.get("time", ""),
        author=message.get("author", ""),
        text=message.get("text", ""),
        permalink=message.get("permalink", ""),
    )
    if replies := message.get("reply_count"):
        kept["reply_count"] = replies
    if omitted := message.get("omitted"):
        kept["omitted"] = omitted
    return kept


def _span(span: tuple[datetime, datetime], zone: tzinfo) -> str:
    begin, stop = (local_iso(edge, zone) for edge in span)
    return f"{begin} to {stop}"
