"""What a message repeats of channels that its reader may not see: their names, and previews of what is said there."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any, cast

from rookery_slackapi.message_text.attachments import inner_attachments
from rookery_slackapi.message_text.message import MessageContent
from rookery_slackapi.message_text.shapes import MAX_DEPTH, Json, mapping, mappings, string

HIDDEN_PREVIEW = "(a message of a channel that is not shown here)"
_LABELLED = re.compile(r"<#([A-Z0-9]+)\|[^<>]*>")
_MESSAGE_LINK = re.compile(r"/archives/([A-Z0-9]+)/p\d+")


def channel_references(message: MessageContent) -> set[str]:
    """The ids of the channels that a message names with a label, or repeats a message of."""
    found = {
        match[1] for text in (message.text, *_texts(message.content)) for match in _LABELLED.finditer(text)
    }
    for attachment in _with_inner(message.attachments):
        found |= _origins(attachment)
    return found


def without_hidden(message: MessageContent, visible: Collection[str]) -> MessageContent:
    """The message without labels of channels other than `visible`, and without previews of their messages."""
    hidden = channel_references(message) - set(visible)
    if not hidden:
        return message

    def cleaned(value: object, depth: int = 0) -> Any:
        if isinstance(value, str):
            return _LABELLED.sub(lambda match: f"<#{match[1]}>" if match[1] in hidden else match[0], value)
        if depth > MAX_DEPTH:
            return None
        if isinstance(value, Mapping):
            parts = cast("Mapping[str, object]", value)
            return {
                key: [shown(part, depth) for part in mappings(inner)]
                if key == "attachments"
                else cleaned(inner, depth + 1)
                for key, inner in parts.items()
            }
        if isinstance(value, list):
            return [cleaned(inner, depth + 1) for inner in cast("list[object]", value)]
        return value

    def shown(attachment: Json, depth: int) -> Any:
        return {"text": HIDDEN_PREVIEW} if _origins(attachment) & hidden else cleaned(attachment, depth + 1)

    return replace(message, text=cleaned(message.text), content=cleaned(message.content))


def _origins(attachment: Json) -> set[str]:
    """The channels whose messages an attachment repeats: those of a preview or a forwarded message."""
    channels = [attachment.get("channel_id")]
    previews = mappings(attachment.get("message_blocks"))
    channels += [preview.get("channel") for preview in previews]
    origins = {channel for channel in channels if isinstance(channel, str)}
    if attachment.get("is_msg_unfurl") or attachment.get("is_share") or previews:
        for name in ("from_url", "original_url"):
            origins |= set(_MESSAGE_LINK.findall(string(attachment.get(name))))
    return origins


def _with_inner(attachments: list[Json], depth: int = 0) -> Iterator[Json]:
    for attachment in attachments:
        yield attachment
        yield from _with_inner(inner_attachments(attachment, depth), depth + 1)


def _texts(value: object, depth: int = 0) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif depth <= MAX_DEPTH:
        parts = cast("list[object]", value) if isinstance(value, list) else mapping(value).values()
        for inner in parts:
            yield from _texts(inner, depth + 1)
