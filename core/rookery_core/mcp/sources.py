"""What a tool result offers to cite: items with their permalinks, for any shape of a server's answer.

An item is an object that has an address (`permalink`, `url`, …). Its parts inherit the address.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from rookery_core.text import unfenced, without_controls

_LINK_KEYS = ("permalink", "html_url", "url", "uri", "link", "web_url", "source", "id")
"""Where an item has its address, the one that serves a reader best first: where a memory comes from, before the memory."""
_TEXT_KEYS = ("text", "content", "snippet", "excerpt", "body", "passage", "fact", "markdown", "summary")
_TITLE_KEYS = ("title", "heading", "name", "key", "subject")
_DATE_KEYS = ("date", "time", "at", "posted_at", "sent_at", "said_at")
_FOREIGN_PARTS = frozenset(
    {"attachments", "files", "links", "urls", "reactions", "unfurls", "images", "embeds"}
)
"""Parts of an item that other people fill: a link there is no address of the item."""

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}(?!\d)")
_URL = re.compile(r"[a-z][a-z0-9+.-]*://[^\s<>\"'`\\]+", re.IGNORECASE)
_DEPTH = 12


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of text that a tool found. rank counts from 0 in the order of the tool's answer; score is the server's
    own, on the server's scale."""

    text: str
    permalink: str
    title: str
    server: str
    tool: str
    rank: int = 0
    author: str = ""
    score: float | None = None
    date: str = ""
    """The day it is of, YYYY-MM-DD; empty when the server does not say."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a link came from."""

    permalink: str
    title: str
    server: str
    tool: str


def passages(value: Any, server: str, tool: str) -> list[Passage]:
    """The citable texts of a structured tool result, in its order."""
    found = [one for one in _texts(value, _Context(), 0) if one[1].link and one[0].strip()]
    return [
        Passage(text, about.link, about.title, server, tool, rank, about.author, about.score, about.date)
        for rank, (text, about) in enumerate(found)
    ]


def sources(value: Any, server: str, tool: str) -> list[Source]:
    """Every item of a structured tool result that has an address."""
    return [Source(link, without_controls(title) or link, server, tool) for link, title in _items(value, 0)]


def urls_in(text: str) -> set[str]:
    """Every URL that stands in `text`, without the punctuation that follows it."""
    return {trimmed(match) for match in _URL.findall(text)}


def trimmed(url: str) -> str:
    """`url` without punctuation that belongs to the sentence around it."""
    url = url.rstrip(".,;:!?*_~|")
    while url.endswith((")", "]", "}")) and url.count(url[-1]) > url.count(
        {")": "(", "]": "[", "}": "{"}[url[-1]]
    ):
        url = url[:-1].rstrip(".,;:!?*_~|")
    return url


def link_of(item: Mapping[str, Any]) -> str:
    """The address of an item, or an empty string."""
    return next(filter(None, (_address(item.get(key)) for key in _LINK_KEYS)), "")


def _address(value: Any) -> str:
    return value if isinstance(value, str) and _URL.fullmatch(value) else ""


def _items(value: Any, depth: int) -> Iterator[tuple[str, str]]:
    if depth > _DEPTH:
        return
    if isinstance(value, dict):
        item = cast(dict[str, Any], value)
        title = _title(item) or _beginning(item)
        for link in filter(None, {link_of(item): None, _address(item.get("id")): None}):
            yield link, title
        for key, part in item.items():
            if key not in _FOREIGN_PARTS:
                yield from _items(part, depth + 1)
    elif isinstance(value, list):
        for part in cast(list[Any], value):
            yield from _items(part, depth + 1)


@dataclass(frozen=True, slots=True)
class _Context:
    """What a part takes from the item that it belongs to."""

    link: str = ""
    title: str = ""
    author: str = ""
    score: float | None = None
    date: str = ""

    def inside(self, item: Mapping[str, Any]) -> _Context:
        own = _title(item)
        title = own if not self.title or self.title in own else f"{self.title} > {own}" if own else self.title
        score = item.get("score")
        return _Context(
            link_of(item) or self.link,
            self.title if own and own in self.title else title,
            _author(item) or self.author,
            float(score) if isinstance(score, int | float) and not isinstance(score, bool) else self.score,
            _date(item) or self.date,
        )


def _texts(value: Any, around: _Context, depth: int) -> Iterator[tuple[str, _Context]]:
    if depth > _DEPTH:
        return
    if isinstance(value, list):
        for part in cast(list[Any], value):
            yield from _texts(part, around, depth + 1)
    if not isinstance(value, dict):
        return
    item = cast(dict[str, Any], value)
    about = around.inside(item)
    text = next(
        (item[key] for key in _TEXT_KEYS if isinstance(item.get(key), str) and item[key].strip()), None
    )
    if text is not None:
        yield unfenced(text), about
    for key, part in item.items():
        if key not in _FOREIGN_PARTS and isinstance(part, dict | list):
            yield from _texts(part, about, depth + 1)


def _title(item: Mapping[str, Any]) -> str:
    for key in _TITLE_KEYS:
        value = item.get(key)
        if isinstance(value, str) and value.strip():
            return " ".join(value.split())[:200]
    place, who = _name(item.get("channel")) or _text(item.get("channel_name")), _author(item)
    number = item.get("number")
    if place:
        place = place if place.startswith("#") else f"#{place}"
        return f"{who} in {place}" if who else place
    if isinstance(number, int):
        return f"#{number}"
    return ""


def _beginning(item: Mapping[str, Any]) -> str:
    """The first words of an item without a title."""
    text = next((item[key] for key in _TEXT_KEYS if isinstance(item.get(key), str)), "")
    text = " ".join(unfenced(text).split())
    return text if len(text) <= 70 else text[: text.rfind(" ", 0, 70)] + " …"


def _author(item: Mapping[str, Any]) -> str:
    for key in ("author", "user", "user_name", "username", "sender", "display_name"):
        if name := _name(item.get(key)):
            return name
    return ""


def _date(item: Mapping[str, Any]) -> str:
    for key in _DATE_KEYS:
        value = item.get(key)
        if isinstance(value, str) and (day := _DAY.match(value)) and _exists(day[0]):
            return day[0]
    return ""


def _exists(day: str) -> bool:
    try:
        return bool(datetime.date.fromisoformat(day))
    except ValueError:
        return False


def _name(value: Any) -> str:
    if isinstance(value, dict):
        inner = cast(dict[str, Any], value)
        for key in ("display_name", "real_name", "name", "login", "id"):
            if name := _text(inner.get(key)):
                return name
        return ""
    return _text(value)


def _text(value: Any) -> str:
    return " ".join(value.split())[:100] if isinstance(value, str) else ""
