"""Tools that read what was said, in order: a stretch of a channel, a message with its neighbours, a thread."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from rookery_core.dates import parse_time_range
from rookery_core.errors import InvalidInput, NotFound
from rookery_core.serving.arguments import Cursor, Limit, MaxTokens
from rookery_core.serving.paging import Page
from rookery_core.text import clip, explain_fence
from rookery_slack.answers import Conversation, Message
from rookery_slack.links import Reference
from rookery_slack.lookup import resolve_channel, zone_of
from rookery_slack.presentation import presenter_for
from rookery_slack.tools.arguments import Channel, End, Start
from rookery_slack.tools.base import SlackTools
from rookery_slackapi.timestamps import EARLIEST, LATEST, format_ts, local_iso, parse_ts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import tzinfo

    from rookery_core.database import Row
    from rookery_slack.presentation import Presenter
    from rookery_slack.store.session import Session

_TICK = timedelta(microseconds=1)


class ConversationTools(SlackTools):
    """Reads conversations, within a size, saying what was left out."""

    async def get_conversation(
        self,
        channel: Channel,
        start: Start = "",
        end: End = "",
        neighbours: Annotated[int, Field(ge=0, le=50, description="on either side of a linked message")] = 5,
        include_replies: bool = True,
        limit: Limit = 50,
        max_tokens: MaxTokens = 4000,
        cursor: Cursor = "",
    ) -> Conversation:
        """Read messages of a Slack channel, oldest first: the newest ones, or those between start and end.

        A link to a message returns its thread, or the message with its neighbours. Days are the asker's. Replies are in
        order of time and have thread_ts. next_cursor: older (or, with start, later) messages remain.
        """
        arguments = {"channel": channel, "start": start, "end": end, "include_replies": include_replies}
        page = Page.open("get_conversation", arguments, cursor, max_tokens)
        async with self.store.session() as session:
            channel_id, reference = await resolve_channel(session, channel)
            zone = await zone_of(session)
            if reference.ts is not None and not start and not end:
                return await self._at_link(session, channel_id, reference, zone, neighbours, page)
            begin, stop = parse_time_range(start, end, zone=zone, now=self.now(), fields=("start", "end"))
            newest_first = not start
            begin, stop = _rest_of_range(page, begin or EARLIEST, stop or LATEST, newest_first=newest_first)
            rows = await session.rows(
                "read_channel", channel_id, begin, stop, newest_first, include_replies, limit + 1
            )
            reading = _Reading(rows[:limit], newest_first=newest_first, more=len(rows) > limit)
            answer = await self._answer(session, channel_id, zone, reading, page)
            if start or end:
                answer["range"] = f"{_told(begin, zone, start)} to {_told(stop, zone, end)}"
            return answer

    async def get_thread(
        self,
        thread: Annotated[str, Field(description="link to a message in it; or the ts of its first")],
        channel: Annotated[str, Field(description="with a ts")] = "",
        max_tokens: MaxTokens = 4000,
        cursor: Cursor = "",
    ) -> Conversation:
        """Read one Slack thread: its first message and the replies, oldest first."""
        page = Page.open("get_thread", {"thread": thread, "channel": channel}, cursor, max_tokens)
        async with self.store.session() as session:
            root = parse_ts(thread.strip())
            if root is not None and not channel:
                raise InvalidInput("channel: needed where thread is a ts.", hint="Or give a link as thread.")
            channel_id, reference = await resolve_channel(session, channel if root and channel else thread)
            ts = root or reference.thread_ts or reference.ts
            if ts is None:
                raise InvalidInput("thread: the link leads to a channel, not to a message.")
            zone = await zone_of(session)
            root = (
                reference.thread_ts
                if root is None and reference.thread_ts
                else await _root(session, channel_id, ts)
            )
            return await self._thread(session, channel_id, root or ts, zone, page)

    async def _at_link(
        self,
        session: Session,
        channel_id: str,
        reference: Reference,
        zone: tzinfo,
        neighbours: int,
        page: Page,
    ) -> Conversation:
        assert reference.ts is not None
        root = reference.thread_ts or await _root(session, channel_id, reference.ts)
        if root is not None:
            return await self._thread(session, channel_id, root, zone, page)
        before = await session.rows(
            "read_channel", channel_id, EARLIEST, reference.ts, True, False, neighbours + 1
        )
        after = await session.rows(
            "read_channel", channel_id, _just_after(reference.ts), LATEST, False, False, max(neighbours, 1)
        )
        rows = [*reversed(before), *after[:neighbours]]
        if not any(row["ts"] == reference.ts for row in rows):
            raise _no_message(reference.ts)
        reading = _Reading(rows, newest_first=False, more=False)
        return await self._answer(session, channel_id, zone, reading, page)

    async def _thread(
        self,
        session: Session,
        channel_id: str,
        root: datetime,
        zone: tzinfo,
        page: Page,
    ) -> Conversation:
        after, _ = _rest_of_range(page, EARLIEST, LATEST, newest_first=False)
        continued = bool(page.position)
        rows = await session.rows("read_thread", channel_id, root, after - _TICK if continued else after, 501)
        if not rows and not continued:
            raise _no_message(root)
        reading = _Reading(rows[:500], newest_first=False, more=len(rows) > 500)
        return await self._answer(session, channel_id, zone, reading, page)

    async def _answer(
        self, session: Session, channel_id: str, zone: tzinfo, reading: _Reading, page: Page
    ) -> Conversation:
        presenter = await presenter_for(session, reading.rows, zone, self.base)
        messages = presenter.fitted(reading.rows, page)
        answer = Conversation(notice=explain_fence(presenter.nonce))
        card = (await session.rows("channel_cards", [channel_id]))[0]
        answer["channel"], answer["channel_id"] = card["name"] or channel_id, channel_id
        if card["topic"]:
            answer["topic"] = clip(card["topic"], 60)[0]
        answer["messages"] = reading.in_order(messages)
        _finish(answer, presenter, reading, page)
        answer.update(await self.freshness(session, zone, [channel_id]))  # pyright: ignore[reportCallIssue, reportArgumentType] keys of Answer
        return answer


class _Reading:
    """Rows as they were read: from the newest back, or from the oldest on; `more` says that there are further ones."""

    def __init__(self, rows: Sequence[Row], *, newest_first: bool, more: bool) -> None:
        self.rows = rows
        self.newest_first = newest_first
        self.more = more

    def in_order(self, messages: list[Message]) -> list[Message]:
        """Oldest first, whichever way they were read."""
        return messages[::-1] if self.newest_first else messages


def _finish(answer: Conversation, presenter: Presenter, reading: _Reading, page: Page) -> None:
    answer["people"] = presenter.people()
    left = len(reading.rows) - page.count
    if page.count and (left or reading.more):
        which = "older" if reading.newest_first else "later"
        count = f"{left} {which} messages" if left and not reading.more else f"{which} messages"
        answer["left_out"] = f"{count}; pass next_cursor as cursor to read them."
        answer["next_cursor"] = page.cursor(last=format_ts(reading.rows[page.count - 1]["ts"]))
    if any("omitted" in message for message in answer.get("messages", ())):
        answer["left_out"] = answer.get("left_out", "") + (
            " Long texts were cut (omitted); raise max_tokens to read them whole."
        )


def _rest_of_range(
    page: Page, begin: datetime, stop: datetime, *, newest_first: bool
) -> tuple[datetime, datetime]:
    """The range that earlier pages left."""
    last = parse_ts(page.position.get("last"))
    if last is None:
        return begin, stop
    return (begin, last - _TICK) if newest_first else (_just_after(last), stop)


async def _root(session: Session, channel_id: str, ts: datetime) -> datetime | None:
    """The root of the thread that a message belongs to; None for a message without a thread."""
    rows = await session.rows("read_messages", [channel_id], [ts])
    if rows:
        return rows[0]["thread_ts"] or (ts if rows[0]["reply_count"] else None)
    return ts if await session.rows("read_thread", channel_id, ts, EARLIEST, 1) else None


def _no_message(ts: datetime) -> NotFound:
    return NotFound(
        f"There is no message {format_ts(ts)} in that channel, or you may not see it.",
        hint="It may be older than what was ingested, or deleted; memory_status tells what is covered.",
    )


def _just_after(moment: datetime) -> datetime:
    return min(moment, LATEST) + _TICK


def _told(moment_: datetime, zone: tzinfo, asked: str | None) -> str:
    return local_iso(moment_, zone) if asked else "open"
