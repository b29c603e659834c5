"""Tools about who and where: channels, people, members."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from rookery_core.serving.arguments import MAX_TOKENS, Cursor, Limit
from rookery_core.serving.paging import Page
from rookery_slack.answers import Channels, People, Person
from rookery_slack.lookup import resolve_channel
from rookery_slack.presentation import channel_card
from rookery_slack.tools.arguments import Channel
from rookery_slack.tools.base import SlackTools

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rookery_core.database import Row


class DirectoryTools(SlackTools):
    """Lists, by name, a page at a time."""

    async def list_channels(
        self,
        query: Annotated[str, Field(description="in name, topic or purpose")] = "",
        include_archived: bool = False,
        limit: Limit = 50,
        cursor: Cursor = "",
    ) -> Channels:
        """List the Slack channels you may read: id, name, topic, purpose, members."""
        page = _open("list_channels", cursor, query, include_archived)
        async with self.store.session() as session:
            rows = await session.rows(
                "list_channels", _text(query), include_archived, *_after(page), limit + 1
            )
        answer = Channels(channels=[channel_card(row, self.base) for row in rows[:limit]])
        if len(rows) > limit:
            answer["next_cursor"] = _cursor(page, rows[limit - 1])
        return answer

    async def list_users(
        self,
        query: Annotated[str, Field(description="in any name")] = "",
        include_bots: bool = True,
        include_deactivated: bool = False,
        limit: Limit = 50,
        cursor: Cursor = "",
    ) -> People:
        """List people and bots of the Slack workspace: id, name, handle, kind, time zone."""
        page = _open("list_users", cursor, query, include_bots, include_deactivated)
        async with self.store.session() as session:
            rows = await session.rows(
                "list_users", _text(query), include_bots, include_deactivated, *_after(page), limit + 1
            )
        return _people(rows, limit, page)

    async def get_channel_members(self, channel: Channel, limit: Limit = 100, cursor: Cursor = "") -> People:
        """List the members of a channel."""
        page = _open("get_channel_members", cursor, channel)
        async with self.store.session() as session:
            channel_id, _ = await resolve_channel(session, channel)
            rows = await session.rows("channel_members", channel_id, *_after(page), limit + 1)
        return _people(rows, limit, page)


def _text(query: str | None) -> str | None:
    return (query or "").strip().removeprefix("#").removeprefix("@").replace("\0", "") or None


def _people(rows: Sequence[Row], limit: int, page: Page) -> People:
    answer = People(people=[_person(row) for row in rows[:limit]])
    if len(rows) > limit:
        answer["next_cursor"] = _cursor(page, rows[limit - 1])
    return answer


def _person(row: Row) -> Person:
    kind = next((word for word in ("bot", "stranger", "guest") if row[f"is_{word}"]), "member")
    person = Person(
        id=row["id"],
        name=row["display_name"] or row["real_name"] or row["name"] or row["id"],
        kind={"stranger": "external"}.get(kind, kind),
    )
    for key, value in (("handle", row["name"]), ("title", row["title"]), ("tz", row["tz"])):
        if value:
            person[key] = value  # pyright: ignore[reportGeneralTypeIssues] one of three keys that hold strings
    if row["is_deactivated"]:
        person["deactivated"] = True
    return person


def _open(tool: str, cursor: str, *arguments: object) -> Page:
    return Page.open(tool, arguments, cursor, MAX_TOKENS)


def _after(page: Page) -> tuple[str | None, str | None]:
    """Name and id of the last entry of the page before."""
    return page.position.get("name"), page.position.get("id")


def _cursor(page: Page, row: Row) -> str:
    return page.cursor(name=row["name"] or "", id=row["id"])
