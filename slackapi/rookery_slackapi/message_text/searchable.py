"""The words of a message that search finds it by: text, blocks, attachments, files."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import cast

from rookery_slackapi.message_text.blocks import blocks_to_markdown, only_rich_text
from rookery_slackapi.message_text.message import MessageContent, attachments_text
from rookery_slackapi.message_text.mrkdwn import to_plain
from rookery_slackapi.message_text.names import Names
from rookery_slackapi.message_text.shapes import MAX_DEPTH, Json, mapping, string
from rookery_slackapi.message_text.visibility import without_hidden

_NOBODY = Names()
_MENTION = re.compile(r"<@[^>]*>")
MAX_CHARACTERS = 200_000
"""Far above Slack's 40,000 and far below the megabyte at which a tsvector is refused."""


def searchable_text(message: MessageContent, public: Collection[str] = ()) -> str:
    """What is indexed. Names of people mentioned are left out: they would outweigh what was said.

    public: channels whose names and messages everybody may find here; of others, labels and previews are left out.
    """
    message = without_hidden(message, public)
    text = "\n".join(filter(None, _parts(message)))
    return text[:MAX_CHARACTERS]


def _parts(message: MessageContent) -> Iterator[str]:
    if message.text:
        yield to_plain(_MENTION.sub("", message.text), _NOBODY)
    if message.blocks and not (message.text and only_rich_text(message.blocks)):
        rendered = blocks_to_markdown(message.blocks, _NOBODY)
        if rendered not in message.text:
            yield rendered
    yield attachments_text(message, _NOBODY)
    for file in message.files:
        yield from _file(file)


def _file(file: Json) -> Iterator[str]:
    if file.get("mode") == "tombstone":
        return
    yield from dict.fromkeys((string(file.get("title")), string(file.get("name"))))
    yield string(file.get("plain_text")) or string(file.get("preview"))


def has_link(message: MessageContent) -> bool:
    """Whether the message or anything attached to it links to an address. A picture or a file is no link."""
    if _LINK.search(message.text):
        return True
    return any(_holds_link(part, _LINK) for part in message.blocks) or any(
        _holds_link(part, _ADDRESS) for part in message.attachments
    )


_LINK = re.compile(r"<(?:https?|ftp|mailto):", re.IGNORECASE)
_ADDRESS = re.compile(r"\b(?:https?://|ftp://|mailto:)", re.IGNORECASE)
"""Slack makes a link of every address in an attachment's text, without marking it."""
_ADDRESS_KEYS = frozenset({"title_link", "from_url", "author_link", "url"})
_PROSE_KEYS = frozenset({"text", "pretext", "value", "title", "fallback"})


def _holds_link(value: object, prose: re.Pattern[str], depth: int = 0) -> bool:
    if isinstance(value, list):
        return any(_holds_link(item, prose, depth) for item in cast("list[object]", value))
    if depth > MAX_DEPTH:
        return False
    for key, inner in mapping(value).items():
        if isinstance(inner, str):
            if key in _ADDRESS_KEYS and _ADDRESS.match(inner):
                return True
            if key in _PROSE_KEYS and prose.search(inner):
                return True
        elif key != "files" and _holds_link(inner, prose, depth + 1):
            return True
    return False
