"""What a message repeats of channels that its reader may not see: their names, and previews of what is said there."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any, cast

from rookery_slackapi.message_text.message import MessageContent

HIDDEN_PREVIEW = "(a message of a channel that is not shown here)"
_LABELLED = re.compile(r"<#([A-Z0-9]+)\|[^<>]*>")
_MESSAGE_LINK = re.compile(r"/archives/([A-Z0-9]+)/p\d+")


def channel_references(message: MessageContent) -> set[str]:
    """The ids of the channels that a message names with a label, or repeats a message of."""
    found = {
        match[1] for text in (message.text, *_texts(message.content)) for match in _LABELLED.finditer(text)
    }
    for attachment in _attachments(message):
        found |= _origins(attachment)
    return found


def without_hidden(message: MessageContent, visible: Collection[str]) -> MessageContent:
    """The message without labels of channels other than `visible`, and without previews of their messages."""
    hidden = channel_references(message) - set(visible)
    if not hidden:
        return message

    def cleaned(value: Any) -> Any:
        if isinstance(value, str):
            return _LABELLED.sub(lambda match: f"<#{match[1]}>" if match[1] in hidden else match[0], value)
        if isinstance(value, Mapping):
            return {key: cleaned(inner) for key, inner in cast("Mapping[str, Any]", value).items()}
        if isinstance(value, list):
            return [cleaned(inner) for inner in cast("list[Any]", value)]
        return value

    content: dict[str, Any] = cleaned(message.content)
    if attachments := content.get("attachments"):
        content["attachments"] = [
            {"text": HIDDEN_PREVIEW} if _is_hidden(attachment, hidden) else attachment
            for attachment in attachments
        ]
    return replace(message, text=cleaned(message.text), content=content)


def _is_hidden(attachment: Any, hidden: set[str]) -> bool:
    return isinstance(attachment, Mapping) and bool(_origins(cast("Mapping[str, Any]", attachment)) & hidden)


def _origins(attachment: Mapping[str, Any]) -> set[str]:
    """The channels whose messages an attachment repeats: those of a preview or a forwarded message."""
    channel = attachment.get("channel_id")
    found = {channel} if isinstance(channel, str) else set[str]()
    message_blocks: Any = attachment.get("message_blocks")
    for block in message_blocks if isinstance(message_blocks, list) else ():  # pyright: ignore[reportUnknownVariableType]
        if isinstance(block, Mapping) and isinstance(
            channel := cast("Mapping[str, Any]", block).get("channel"), str
        ):
            found.add(channel)
    if attachment.get("is_msg_unfurl") or attachment.get("is_share") or message_blocks:
        for name in ("from_url", "original_url"):
            found |= set(_MESSAGE_LINK.findall(str(attachment.get(name) or "")))
    return found


def _attachments(message: MessageContent) -> Iterator[Mapping[str, Any]]:
    attachments: Any = message.content.get("attachments")
    for attachment in attachments if isinstance(attachments, list) else ():  # pyright: ignore[reportUnknownVariableType]
        if isinstance(attachment, Mapping):
            yield cast("Mapping[str, Any]", attachment)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in cast("Mapping[str, Any]", value).values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in cast("list[Any]", value):
            yield from _texts(inner)
