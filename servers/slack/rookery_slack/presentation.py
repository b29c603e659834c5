"""Rows of the store as the messages of an answer: rendered, named, fenced, linked, and fitted to a size."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rookery_core.text import clip, estimate_tokens, fence, new_nonce
from rookery_slack.answers import Channel, Message
from rookery_slack.links import permalink
from rookery_slackapi.message_text import MessageContent, Names, render_message
from rookery_slackapi.message_text.message import references
from rookery_slackapi.message_text.visibility import channel_references, without_hidden
from rookery_slackapi.timestamps import format_ts

if TYPE_CHECKING:
    from datetime import tzinfo

    from rookery_core.database import Row
    from rookery_core.serving.paging import Page
    from rookery_slack.store.session import Session

OVERHEAD_TOKENS = 45
"""What a message costs besides its text: times, link, author, fence."""
_PURPOSE_TOKENS = 120
"""Of a channel's topic, and of its purpose."""


@dataclass(slots=True)
class Presenter:
    """Presents messages of one answer, with one nonce and one set of names."""

    names: Names
    bases: Mapping[str, str | None]
    kinds: Mapping[str, str]
    channels: Mapping[str, str]
    visible: frozenset[str] = frozenset()
    nonce: str = field(default_factory=new_nonce)
    shown: set[str] = field(default_factory=set[str])

    def message(self, row: Row, max_tokens: int) -> Message:
        """One message; its text clipped to `max_tokens`, with the number of tokens left out where any are."""
        author, kind = self.author(row)
        answer = Message(
            ts=format_ts(row["ts"]),
            time=self.names.time(row["ts"]),
            author=author,
            permalink=self.link(row),
        )
        if row["deleted_at"] is not None:
            answer["deleted"] = True
        else:
            text, omitted = clip(self.text(row), max_tokens)
            answer["text"] = fence(text, author=author, kind=kind, nonce=self.nonce)
            if omitted:
                answer["omitted"] = omitted
        self._add_marks(answer, row)
        return answer

    def _add_marks(self, answer: Message, row: Row) -> None:
        if row["thread_ts"] is not None:
            answer["thread_ts"] = format_ts(row["thread_ts"])
        if row["reply_count"]:
            answer["reply_count"] = row["reply_count"]
        if row["reactions"]:
            answer["reactions"] = {emoji: len(reactors) for emoji, reactors in row["reactions"]}
        if row["edited_at"] is not None and row["deleted_at"] is None:
            answer["edited"] = self.names.time(row["edited_at"])

    def text(self, row: Row) -> str:
        """The message as markdown."""
        message = without_hidden(content_of(row), self.visible)
        self.shown.update(each for sort, each in references(message) if sort == "user")
        return render_message(message, self.names)

    def author(self, row: Row) -> tuple[str, str]:
        """Name and kind of a message's author: who is not known by id may have signed the message itself."""
        author = row["author"]
        if author:
            self.shown.add(author)
        content: dict[str, Any] = row["content"] or {}
        signed, bot = content.get("username"), bool(content.get("bot_id"))
        name = self.names.users.get(author or "") or signed or author or "nobody"
        return name, self.kinds.get(author or "") or ("bot" if bot or signed else "unknown")

    def link(self, row: Row) -> str:
        """The message's permalink."""
        return permalink(self.bases.get(row["channel"]), row["channel"], row["ts"], row["thread_ts"])

    def people(self) -> dict[str, str]:
        """Everybody who was shown: id to name and kind. Each once."""
        known = sorted(each for each in self.shown if each in self.names.users)
        return {each: f"{self.names.users[each]} ({self.kinds.get(each, 'member')})" for each in known}

    def fitted(self, rows: Sequence[Row], page: Page) -> list[Message]:
        """As many messages, in order, as fit the page; the first always, if only in part."""
        first, later = max(page.room_tokens - OVERHEAD_TOKENS, 40), max(page.room_tokens // 2, 40)
        messages = (self.message(row, later if number else first) for number, row in enumerate(rows))
        return page.fill(messages, lambda message: OVERHEAD_TOKENS + estimate_tokens(message.get("text", "")))


def content_of(row: Row) -> MessageContent:
    """What a row says."""
    return MessageContent(row["text"] or "", row["content"] or {}, tuple(row["deleted_files"] or ()))


async def presenter_for(session: Session, rows: Iterable[Row], zone: tzinfo, base: str | None) -> Presenter:
    """A presenter that knows every name in `rows` that the caller may know, and where links lead."""
    rows = list(rows)
    wanted: dict[str, set[str]] = {"user": set(), "channel": set(), "group": set()}
    for row in rows:
        if row["author"]:
            wanted["user"].add(row["author"])
        for sort, each in references(content_of(row)):
            wanted[sort].add(each)
        wanted["channel"] |= channel_references(content_of(row))
    found = await session.rows("names_of", *(sorted(wanted[sort]) for sort in ("user", "channel", "group")))
    cards = await session.rows("channel_cards", sorted({row["channel"] for row in rows}))
    named: dict[str, dict[str, str]] = {"user": {}, "channel": {}, "group": {}}
    for row in found:
        if row["name"]:
            named[row["sort"]][row["id"]] = row["name"]
    names = Names(_distinct(named["user"]), named["channel"], named["group"], zone)
    kinds = {row["id"]: row["kind"] for row in found if row["sort"] == "user"}
    bases = {card["id"]: base or card["url"] for card in cards}
    visible = frozenset(row["id"] for row in found if row["sort"] == "channel")
    return Presenter(names, bases, kinds, {card["id"]: card["name"] or card["id"] for card in cards}, visible)


def _distinct(users: dict[str, str]) -> dict[str, str]:
    """Names that tell people apart: where two are called the same, both carry their ids."""
    counts: dict[str, int] = {}
    for name in users.values():
        counts[name] = counts.get(name, 0) + 1
    return {each: name if counts[name] == 1 else f"{name} [{each}]" for each, name in users.items()}


def channel_card(row: Row, base: str | None) -> Channel:
    """A channel for an answer."""
    card = Channel(id=row["id"], kind=row["kind"])
    values: dict[str, Any] = {
        "name": row["name"],
        "topic": clip(row["topic"] or "", _PURPOSE_TOKENS)[0],
        "purpose": clip(row["purpose"] or "", _PURPOSE_TOKENS)[0],
        "archived": row["is_archived"],
        "members": row["member_count"],
        "link": f"{(base or row['url'] or '').rstrip('/')}/archives/{row['id']}"
        if base or row["url"]
        else None,
    }
    card.update({key: value for key, value in values.items() if value})  # pyright: ignore[reportCallIssue, reportArgumentType] the keys are those of Channel
    return card
