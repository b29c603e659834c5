"""The words of a message that search finds it by: text, blocks, attachments, files."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from rookery_slackapi.message_text.attachments import attachment_to_markdown
from rookery_slackapi.message_text.blocks import blocks_to_markdown, only_rich_text
from rookery_slackapi.message_text.message import MessageContent
from rookery_slackapi.message_text.mrkdwn import to_plain
from rookery_slackapi.message_text.names import Names
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
    blocks = message.content.get("blocks") or ()
    if message.text:
        yield to_plain(_MENTION.sub("", message.text), _NOBODY)
    if blocks and not (message.text and only_rich_text(blocks)):
        rendered = blocks_to_markdown(blocks, _NOBODY)
        if rendered not in message.text:
            yield rendered
    for attachment in message.content.get("attachments") or ():
        yield attachment_to_markdown(attachment, _NOBODY)
    for file in message.content.get("files") or ():
        yield from _file(file)


def _file(file: Mapping[str, Any]) -> Iterator[str]:
    if file.get("mode") == "tombstone":
        return
    names = [str(file[key]) for key in ("title", "name") if file.get(key)]
    yield from dict.fromkeys(names)
    yield str(file.get("plain_text") or file.get("preview") or "")


def has_link(message: MessageContent) -> bool:
    """Whether the message links to anything outside its own mentions."""
    if re.search(r"<(?:https?|ftp|mailto):", message.text):
        return True
    return any(
        each.get("title_link") or each.get("from_url") for each in message.content.get("attachments") or ()
    )
